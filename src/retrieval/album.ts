/** All items of an album as one ZIP, stored without compression, made while it is sent: nothing of it is kept. */
import { PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Content, Pacing } from './content.js';

/** The oldest time that the format knows, in local time as the format has it: an archive must not tell when it was made. */
const NO_TIME = new Date(1980, 0, 1);

export interface Archive {
  readonly stream: Readable;
  /** Bytes of the whole archive, known before its first one. */
  readonly size: number;
}

/** The archive of everything in `content`, read as `pacing` has it. Its stream ends in an error if that is closed before. */
export async function archive(content: Content, pacing?: Pacing): Promise<Archive> {
  // Loaded with the first album that is taken whole, which few are.
  const { ZipFile } = await import('yazl');
  const zip = new ZipFile();
  const output = new PassThrough();
  pipeline(zip.outputStream, output).catch(() => undefined);
  const { items } = await content.front();
  const used = new Set<string>();
  for (const item of items) {
    const options = { compress: false, size: item.size, mtime: NO_TIME, mode: 0o100644, forceDosTimestamp: true };
    zip.addReadStreamLazy(uniqueName(item.name, used), options, (take) => {
      const stream = Readable.from(content.pieces(item.offset, item.offset + item.size, pacing), {
        objectMode: false,
      });
      stream.once('error', (error) => output.destroy(error));
      take(null, stream);
    });
  }
  const size = await new Promise<number>((resolve) => {
    // The declared type of the callback leaves its argument out.
    zip.end({ forceZip64Format: false, comment: '' }, resolve as unknown as () => void);
  });
  return { stream: output, size };
}

/** Two items of one name must not overwrite each other where the archive is unpacked. */
function uniqueName(name: string, used: Set<string>): string {
  const dot = name.lastIndexOf('.');
  const stem = dot > 0 ? name.slice(0, dot) : name;
  let candidate = name;
  for (let n = 2; used.has(candidate.toLowerCase()); n++) candidate = `${stem}-${n}${name.slice(stem.length)}`;
  used.add(candidate.toLowerCase());
  return candidate;
}
