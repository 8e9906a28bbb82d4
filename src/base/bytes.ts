/**
 * Bytes that hold secrets: how they are made and wiped.
 *
 * A small typed array that V8 allocates by itself lives inside its heap and is moved by the garbage collector, which
 * leaves copies that nobody can wipe. A Buffer laid over an ArrayBuffer of its own stays where it is: `secretBytes` is
 * the only way that key material gets its memory in this project.
 */
/** `length` zero bytes outside V8's heap. The caller owns them and must `wipe` them. */
export function secretBytes(length: number): Buffer {
  return Buffer.from(new ArrayBuffer(length));
}

/** A copy of `bytes` in memory that can be wiped. The caller owns the copy. */
export function secretCopy(bytes: Uint8Array): Buffer {
  const copy = secretBytes(bytes.length);
  copy.set(bytes);
  return copy;
}

/** Overwrites every buffer given with zeros. `null` and `undefined` are passed over, so that `finally` stays short. */
export function wipe(...buffers: readonly (Uint8Array | null | undefined)[]): void {
  for (const buffer of buffers) buffer?.fill(0);
}
