/** Digests and message authentication. Results are fresh buffers that the caller owns. */
import { createHash, createHmac, hash, timingSafeEqual, type Hash } from 'node:crypto';

export type Bytes = Uint8Array | string;

/** SHA-256 of the parts in order (strings as UTF-8), 32 bytes. */
export function sha256(...parts: readonly Bytes[]): Buffer {
  return digest('sha256', parts);
}

/** SHA-256 of a public text in UTF-8, as Base64. Three times as fast as the others on short texts. */
export function sha256Base64(text: string): string {
  return hash('sha256', text, 'base64');
}

/** SHA-512 of the parts in order (strings as UTF-8), 64 bytes. */
export function sha512(...parts: readonly Bytes[]): Buffer {
  return digest('sha512', parts);
}

/** HMAC-SHA-256 (RFC 2104) of the parts in order under `key`, 32 bytes. */
export function hmacSha256(key: Uint8Array, ...parts: readonly Bytes[]): Buffer {
  const hmac = createHmac('sha256', key);
  for (const part of parts) hmac.update(part);
  return hmac.digest();
}

/** HMAC-SHA-512 (RFC 2104) of the parts in order under `key`, 64 bytes. */
export function hmacSha512(key: Uint8Array, ...parts: readonly Bytes[]): Buffer {
  const hmac = createHmac('sha512', key);
  for (const part of parts) hmac.update(part);
  return hmac.digest();
}

/** Equality in time that depends on the lengths alone. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/** SHA-256 of bytes that come in pieces. */
export class Sha256 {
  readonly #hash: Hash = createHash('sha256');

  update(piece: Uint8Array): this {
    this.#hash.update(piece);
    return this;
  }

  /** The digest as lower-case hexadecimal. Ends the hash. */
  hex(): string {
    return this.#hash.digest('hex');
  }
}

function digest(algorithm: 'sha256' | 'sha512', parts: readonly Bytes[]): Buffer {
  const hash = createHash(algorithm);
  for (const part of parts) hash.update(part);
  return hash.digest();
}
