/** The digests by which lists know files, computed together over bytes that come in pieces. For matching only. */
import { createHash, type Hash } from 'node:crypto';

export type FileDigestKind = 'md5' | 'sha1' | 'sha256';

/** Computes the kinds that are wanted, no others. MD5 and SHA-1 are broken as hashes: lists have them, nothing else may. */
export class FileDigester {
  readonly #hashes: readonly (readonly [FileDigestKind, Hash])[];

  constructor(kinds: Iterable<FileDigestKind>) {
    this.#hashes = [...kinds].map((kind) => [kind, createHash(kind)]);
  }

  update(piece: Uint8Array): this {
    for (const [, hash] of this.#hashes) hash.update(piece);
    return this;
  }

  /** The digests. Ends the computation. */
  end(): Partial<Record<FileDigestKind, Buffer>> {
    return Object.fromEntries(this.#hashes.map(([kind, hash]) => [kind, hash.digest()]));
  }
}
