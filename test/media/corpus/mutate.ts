/** Damage that follows the structure of a file: lengths, markers and types are hit more often than chance would. */
type Dice = (below: number) => number;

const LENGTHS = [0, 1, 2, 3, 4, 7, 8, 12, 127, 128, 255, 256, 0x7fff, 0x8000, 0xffff, 0x7fff_ffff, 0xffff_ffff];

export function mutated(original: Buffer, dice: Dice): Buffer {
  let bytes = Buffer.from(original);
  for (let times = 1 + dice(3); times > 0 && bytes.length > 8; times--) bytes = once(bytes, dice);
  return bytes;
}

function once(bytes: Buffer, dice: Dice): Buffer<ArrayBuffer> {
  const out = Buffer.from(bytes);
  const at = place(out, dice);
  switch (dice(7)) {
    case 0:
      out[at] = dice(256);
      return out;
    case 1:
      out[at] = (out[at] ?? 0) ^ (1 << dice(8));
      return out;
    case 2:
      if (at + 4 <= out.length) out.writeUInt32BE(LENGTHS[dice(LENGTHS.length)] ?? 0, at);
      return out;
    case 3:
      if (at + 2 <= out.length) out.writeUInt16BE((LENGTHS[dice(LENGTHS.length)] ?? 0) & 0xffff, at);
      return out;
    case 4: // A stretch goes.
      return Buffer.concat([out.subarray(0, at), out.subarray(at + 1 + dice(64))]);
    case 5: {
      // A stretch comes twice.
      const end = Math.min(out.length, at + 1 + dice(200));
      return Buffer.concat([out.subarray(0, end), out.subarray(at)]);
    }
    default: // The end goes.
      return dice(4) === 0 ? Buffer.from(out.subarray(0, at)) : out;
  }
}

/** Half of the time where a structure begins: behind an FF, at a chunk's length or type, otherwise anywhere. */
function place(bytes: Buffer, dice: Dice): number {
  const anywhere = dice(bytes.length);
  if (dice(2) === 0) return anywhere;
  const marker = bytes.indexOf(0xff, anywhere);
  if (dice(2) === 0 && marker >= 0) return Math.min(bytes.length - 1, marker + dice(4));
  for (let at = anywhere; at + 4 < bytes.length; at++) {
    if (/^[A-Za-z]{3}[A-Za-z ]$/.test(bytes.toString('latin1', at, at + 4))) return Math.max(0, at - 4 + dice(8));
  }
  return dice(Math.min(bytes.length, 64));
}
