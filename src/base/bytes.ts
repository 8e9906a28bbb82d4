/**
 * Bytes that hold secrets: how they are made and wiped.
 *
 * A small typed array that V8 allocates by itself lives inside its heap and is moved by the garbage collector, which
 * leaves copies that nobody can wipe. A Buffer laid over an ArrayBuffer of its own stays where it is: `secretBytes` is
 * the only way that key material gets its memory in this project.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

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

type Transfer = (this: ArrayBufferLike, length: number) => ArrayBuffer;

/** Node 20 has it only in contexts that are made after the switch is on, from which it can be borrowed. */
function transferOfArrayBuffers(): Transfer {
  setFlagsFromString('--harmony-rab-gsab-transfer');
  return runInNewContext('ArrayBuffer.prototype.transfer') as Transfer;
}

const transfer = (ArrayBuffer.prototype as { transfer?: Transfer }).transfer ?? transferOfArrayBuffers();

/**
 * Gives the memory of `bytes` back at once, where nothing shares it. Only for what nobody uses any more: the buffers that Node
 * makes for each chunk that it ciphers or reads would otherwise lie there until V8 counts them, which takes megabytes that
 * the processor's caches have lost, and collections of the whole heap. Secrets are wiped before.
 */
export function giveBack(bytes: Uint8Array): void {
  if (bytes.length > 0 && bytes.length === bytes.buffer.byteLength) transfer.call(bytes.buffer, 0);
}
