/** Searches bytes for words in every form in which a careless program leaves them. */

export interface Needle {
  readonly name: string;
  readonly bytes: Buffer;
}

/** A text as a needle. */
export function words(name: string, text: string): Needle {
  return { name, bytes: Buffer.from(text, 'utf8') };
}

/** The forms: as it is, hexadecimal both ways, Base64 at its three alignments and in both alphabets, UTF-16, percent signs. */
export function formsOf({ bytes }: Needle): readonly { readonly form: string; readonly bytes: Buffer }[] {
  const hex = bytes.toString('hex');
  const text = bytes.toString('utf8');
  const forms = [
    { form: 'raw', bytes },
    { form: 'hex', bytes: Buffer.from(hex) },
    { form: 'HEX', bytes: Buffer.from(hex.toUpperCase()) },
    { form: 'UTF-16', bytes: Buffer.from(text, 'utf16le') },
    { form: 'percent', bytes: Buffer.from(encodeURIComponent(text)) },
  ];
  for (let shift = 0; shift < 3; shift++) {
    const coded = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64');
    // The first and last characters depend on the neighbours, which are not known.
    const inner = coded.slice(shift === 0 ? 0 : 4, coded.length - 4);
    if (inner.length < 8) continue;
    forms.push({ form: `base64 ${shift}`, bytes: Buffer.from(inner) });
    const url = inner.replaceAll('+', '-').replaceAll('/', '_');
    if (url !== inner) forms.push({ form: `base64url ${shift}`, bytes: Buffer.from(url) });
  }
  return forms.filter((form, index) => forms.findIndex((other) => other.bytes.equals(form.bytes)) === index);
}

export interface Occurrence {
  readonly needle: string;
  readonly form: string;
  /** Of the first byte, in what was searched. */
  readonly at: number;
  readonly length: number;
}

/**
 * A search for `needles` in all their forms. One pass over the bytes: a table of the first two bytes of all patterns says
 * at which places it is worth looking closer.
 */
export function searcher(needles: readonly Needle[]): (hay: Buffer) => Generator<Occurrence> {
  const patterns = needles.flatMap((needle) =>
    formsOf(needle).map(({ form, bytes }) => ({ needle: needle.name, form, bytes })),
  );
  const byHead = new Map<number, typeof patterns>();
  const heads = new Uint8Array(65536);
  for (const pattern of patterns) {
    const head = pattern.bytes.readUInt16LE(0);
    heads[head] = 1;
    byHead.set(head, [...(byHead.get(head) ?? []), pattern]);
  }
  return function* (hay) {
    for (let at = 0; at + 1 < hay.length; at++) {
      const head = (hay[at] ?? 0) | ((hay[at + 1] ?? 0) << 8);
      if (heads[head] === 0) continue;
      for (const { needle, form, bytes } of byHead.get(head) ?? []) {
        if (hay.compare(bytes, 0, bytes.length, at, Math.min(hay.length, at + bytes.length)) !== 0) continue;
        yield { needle, form, at, length: bytes.length };
      }
    }
  };
}

/** Where `needles` stand in `hay`: "name (form) in place". Empty = nowhere. */
export function found(needles: readonly Needle[], hay: ReadonlyMap<string, Buffer>): string[] {
  const search = searcher(needles);
  const hits = new Set<string>();
  for (const [place, content] of hay) {
    for (const { needle, form } of search(content)) hits.add(`${needle} (${form}) in ${place}`);
  }
  return [...hits];
}
