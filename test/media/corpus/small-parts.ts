/**
 * Run by `hostile.test.ts` as `node small-parts.js MEGABYTES`: scrubs files that consist of nothing but the smallest parts
 * of their format, and prints what each cost. The files are made as they are read, so they cost no memory of their own.
 */
import { Refusal } from '../../../src/base/errors.js';
import type { ByteSource } from '../../../src/base/source.js';
import type { PictureType } from '../../../src/media/media-type.js';
import { scrub } from '../../../src/media/scrubber.js';
import { gifBases, jpegBases, pngBases, webpBases } from './base.js';
import { segment } from './jpeg.js';
import { chunk } from './png.js';

/** `bytes` with `pattern` again and again from `at` on, until `size` is reached. */
function repeating(bytes: Buffer, at: number, pattern: Buffer, size: number): ByteSource {
  const head = bytes.subarray(0, at);
  const tail = bytes.subarray(at);
  const many = Buffer.alloc(Math.ceil((1 << 20) / pattern.length) * pattern.length, pattern);
  const end = head.length + Math.floor(size / pattern.length) * pattern.length;
  return {
    size: end + tail.length,
    read(offset, length) {
      const parts: Buffer[] = [];
      const limit = Math.min(offset + length, end + tail.length);
      for (let from = offset; from < limit;) {
        const [source, start, most] =
          from < head.length
            ? [head, from, head.length - from]
            : from < end
              ? [many, (from - head.length) % pattern.length, end - from]
              : [tail, from - end, tail.length];
        const part = source.subarray(start, start + Math.min(most, limit - from));
        parts.push(part);
        from += part.length;
      }
      return Promise.resolve(Buffer.concat(parts));
    },
  };
}

const size = Number(process.argv[2] ?? 20) * 1_000_000;
const [jpeg, png, gif, webp] = [
  (await jpegBases())[0]!.bytes,
  (await pngBases())[0]!.bytes,
  (await gifBases())[4]!.bytes,
  (await webpBases()).find(({ name }) => name === 'animated')!.bytes,
];
webp.writeUInt32LE(0xffff_fffe, 4); // The container has no end of its own.
const hex = (digits: string): Buffer => Buffer.from(digits, 'hex');
const inComment = Buffer.concat([gif.subarray(0, -1), hex('21fe003b')]);
const cases: [string, PictureType, ByteSource][] = [
  ['comments', 'image/jpeg', repeating(jpeg, 2, segment(0xfe), size)],
  ['tables', 'image/jpeg', repeating(jpeg, 2, segment(0xdb), size)],
  ['fill bytes', 'image/jpeg', repeating(jpeg, 2, hex('ff'), size)],
  ['stray bytes', 'image/jpeg', repeating(jpeg, 2, hex('01ff00'), size)],
  ['bare markers', 'image/jpeg', repeating(jpeg, 2, hex('ff01'), size)],
  ['restart markers', 'image/jpeg', repeating(jpeg, jpeg.length - 2, hex('ffd1'), size)],
  ['profile pieces', 'image/jpeg', repeating(jpeg, 2, segment(0xe2, 'ICC_PROFILE\0\x01\x01'), size)],
  [
    'large profile pieces',
    'image/jpeg',
    repeating(jpeg, 2, segment(0xe2, 'ICC_PROFILE\0\x01\xff', Buffer.alloc(65_000)), size),
  ],
  ['texts', 'image/png', repeating(png, 33, chunk('tEXt'), size)],
  ['empty data', 'image/png', repeating(png, 33, chunk('IDAT'), size)],
  ['frames of no animation', 'image/png', repeating(png, 33, chunk('fcTL'), size)],
  ['graphic controls', 'image/gif', repeating(gif, gif.length - 1, hex('21f9040000000000'), size)],
  ['blocks of a byte', 'image/gif', repeating(inComment, inComment.length - 2, hex('0141'), size)],
  ['zeros', 'image/gif', repeating(gif, gif.length - 1, hex('00'), size)],
  ['unknown chunks', 'image/webp', repeating(webp, webp.length, hex('4142434400000000'), size)],
];

const costs: { name: string; seconds: number; grown: number }[] = [];
for (const [name, type, source] of cases) {
  const before = process.memoryUsage().rss;
  const cpu = process.cpuUsage();
  await scrub(source, type).catch((error: unknown) => {
    if (!(error instanceof Refusal)) throw error;
  });
  const { user, system } = process.cpuUsage(cpu);
  costs.push({ name, seconds: (user + system) / 1e6, grown: (process.memoryUsage().rss - before) / 1e6 });
}
console.log(JSON.stringify(costs));
