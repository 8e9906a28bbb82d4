/**
 * Takes links and deletion tokens out of what people type into the forms. A link opens a share, and staff may see what
 * was flagged and nothing else: what is kept names a share by its public file ID.
 */
const RUN = /(?<![0-9A-Za-z])[0-9A-Za-z]{16}(?![0-9A-Za-z])|(?<![0-9A-Za-z])[0-9A-Za-z]{24}(?![0-9A-Za-z])/g;

/**
 * `text` with every link token that is alive replaced by its file ID, and everything else of a token's shape by a mark.
 * `fileIdOf` answers for 16 characters; null = not a live link. Words of 16 or 24 small letters stay: a token is one with
 * a chance of one in a million.
 */
export function redactTokens(text: string, fileIdOf: (token: string) => string | null): string {
  return text.replace(RUN, (run) => {
    const fileId = run.length === 16 ? fileIdOf(run) : null;
    if (fileId !== null) return fileId;
    if (/^[A-Z]?[a-z]+$/.test(run)) return run;
    return run.length === 16 ? '[link]' : '[deletion token]';
  });
}

/** The file IDs of the live links and of the file IDs that a text names, each once. */
export function sharesNamed(text: string, fileIdOf: (token: string) => string | null): readonly string[] {
  const found = new Set<string>();
  for (const [run] of text.matchAll(RUN)) {
    const fileId = run.length === 16 ? fileIdOf(run) : null;
    if (fileId !== null) found.add(fileId);
  }
  for (const [fileId] of text.matchAll(/(?<![0-9A-Za-z-])cp-[0-9a-z]{10}(?![0-9A-Za-z])/g)) found.add(fileId);
  return [...found];
}
