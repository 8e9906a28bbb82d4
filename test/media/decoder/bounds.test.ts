/** Bombs, crashes and crowds: what a picture may cost, and what happens when it costs more. */
import test from 'tap';
import { bufferSource } from '../../../src/base/source.js';
import { systemClock } from '../../../src/base/clock.js';
import { MiB } from '../../../src/base/units.js';
import type { DecoderOptions } from '../../../src/media/decoder/decoder.js';
import { startDecoder } from '../../../src/media/decoder/decoder.js';
import { Guarded } from '../../../src/media/decoder/guarded.js';
import { DEFAULT_LIMITS } from '../../../src/media/decoder/limits.js';
import { encoded, flat, gifBomb, noise, pngBomb, stalledSource, webpBomb } from './made.js';
import { childrenOf, memoryOf } from './processes.js';

// Each picture is a process: on a busy machine that adds up to more than tap waits for a file by itself.
test.setTimeout(240_000);

const linux = process.platform === 'linux' ? {} : { skip: 'needs /proc' };
const unreadable = (reason: string) => ({ name: 'Refusal', code: 'unreadable', detail: { reason } });

function started(t: Pick<typeof test, 'teardown'>, options: DecoderOptions = {}) {
  const decoder = startDecoder({ warm: 1, ...options });
  t.teardown(() => decoder.close());
  return decoder;
}

test.test('bombs are refused before a pixel is decoded', async (t) => {
  const decoder = started(t);
  const webp = webpBomb(16383, 16383);
  t.equal(webp.length, 28);
  // libvips makes room for a WebP when it reads the header: the bound on memory may speak first.
  await t.rejects(decoder.decode(bufferSource(webp), 'image/webp', {}), unreadable('memory'));
  await t.rejects(decoder.decode(bufferSource(webpBomb(10_600, 10_400)), 'image/webp', {}), unreadable('pixels'));
  await t.rejects(decoder.decode(bufferSource(gifBomb(20_000)), 'image/gif', {}), unreadable('frames'));
  await t.rejects(decoder.decode(bufferSource(pngBomb(60_000, 60_000, 100)), 'image/png', {}), unreadable('pixels'));
  t.ok(await decoder.decode(bufferSource(gifBomb(2000)), 'image/gif', {}), '2000 frames are not too many');
});

test.test('the limits are exact', async (t) => {
  const decoder = started(t, { limits: { pixels: 100, frames: 3, animatedPixels: 250, sourceBytes: 1000 } });
  const png = (width: number, height: number) => bufferSource(pngBomb(width, height));
  t.ok(await decoder.decode(png(10, 10), 'image/png', {}));
  await t.rejects(decoder.decode(png(101, 1), 'image/png', {}), unreadable('pixels'));
  t.ok(await decoder.decode(bufferSource(gifBomb(3)), 'image/gif', {}));
  await t.rejects(decoder.decode(bufferSource(gifBomb(4)), 'image/gif', {}), unreadable('frames'));
  const long = { size: 1001, read: () => Promise.reject(new Error('was read')) };
  await t.rejects(decoder.decode(long, 'image/png', {}), unreadable('size'), 'without reading it');
});

test.test('a picture of many pixels costs its child bounded memory, and this process none', linux, async (t) => {
  const decoder = started(t, { limits: { memoryBytes: 768 * MiB } });
  const bytes = await encoded(flat(12_000, 9000), 'image/png');
  const source = stalledSource(bytes);
  const before = memoryOf(process.pid, 'VmRSS');
  const decoding = decoder.decode(source, 'image/png', { preview: { longSide: 512 }, luma: true });
  await source.stalled;
  let peak = 0;
  const timer = setInterval(() => {
    for (const pid of childrenOf())
      peak = Math.max(
        peak,
        orZero(() => memoryOf(pid, 'VmHWM')),
      );
  }, 10);
  source.finish();
  const { facts } = await decoding;
  clearInterval(timer);
  t.equal(facts.width * facts.height, 108_000_000, 'the largest that telephones make');
  t.ok(peak < 300 * MiB, `child at ${Math.round(peak / MiB)} MiB`);
  const grown = memoryOf(process.pid, 'VmRSS') - before;
  t.ok(grown < 64 * MiB, `parent grew by ${Math.round(grown / MiB)} MiB`);
});

test.test('memory over the bound ends the child, not the machine', linux, async (t) => {
  const decoder = started(t, { limits: { memoryBytes: 200 * MiB } });
  const bomb = bufferSource(webpBomb(10_000, 10_000));
  await t.rejects(decoder.decode(bomb, 'image/webp', {}), { code: 'unreadable' });
  t.ok(
    await decoder.decode(bufferSource(await encoded(flat(9, 9), 'image/png')), 'image/png', {}),
    'and the next works',
  );
});

test.test('without a limit of the kernel the watch ends it', linux, async (t) => {
  const hoard = 'const kept=[];setInterval(()=>kept.push(Buffer.alloc(2**24,1)),5)';
  const limits = { ...DEFAULT_LIMITS, memoryBytes: 150 * MiB };
  const guarded = new Guarded({ file: process.execPath, args: ['-e', hoard] }, limits, systemClock);
  guarded.watch();
  await guarded.gone;
  t.equal(guarded.overrun, 'memory');
});

test.test('a picture that takes too long is refused, and its child is gone', linux, async (t) => {
  const decoder = started(t, { limits: { cpuMilliseconds: 150 } });
  const slow = await noise(5000, 4000).png({ compressionLevel: 1 }).toBuffer();
  await t.rejects(
    decoder.decode(bufferSource(slow), 'image/png', { reencode: { type: 'image/png' } }),
    unreadable('time'),
  );
  t.ok(
    await decoder.decode(bufferSource(await encoded(flat(9, 9), 'image/png')), 'image/png', {}),
    'and the next works',
  );
});

test.test('a picture that never comes to an end is refused after the wall time', async (t) => {
  const decoder = started(t, { limits: { wallMilliseconds: 300 } });
  const source = stalledSource(await encoded(flat(300, 300), 'image/png'));
  const began = performance.now();
  await t.rejects(decoder.decode(source, 'image/png', {}), unreadable('time'));
  t.ok(performance.now() - began < 5000);
  source.finish();
});

test.test('a child that dies in the middle costs its picture only', linux, async (t) => {
  const decoder = started(t, { children: 1 });
  for (const signal of ['SIGKILL', 'SIGSEGV', 'SIGTERM'] as const) {
    const source = stalledSource(await encoded(noise(300, 300), 'image/png'));
    const decoding = decoder.decode(source, 'image/png', {});
    decoding.catch(() => undefined);
    await source.stalled;
    const pids = childrenOf();
    for (const pid of pids) process.kill(pid, signal);
    while (childrenOf().some((pid) => pids.includes(pid))) await new Promise((resolve) => setTimeout(resolve, 5));
    source.finish();
    await t.rejects(decoding, unreadable('undecodable'), signal);
    t.ok(
      await decoder.decode(bufferSource(gifBomb(1)), 'image/gif', {}),
      'the next works, though the warm ones died too',
    );
    t.ok(decoder.healthy);
  }
});

test.test('a sender who leaves ends the child', linux, async (t) => {
  const decoder = started(t, { children: 1, warm: 0 });
  const leaving = new AbortController();
  const source = stalledSource(await encoded(noise(300, 300), 'image/png'));
  const decoding = decoder.decode(source, 'image/png', {}, leaving.signal);
  await source.stalled;
  t.equal(childrenOf().length, 1);
  leaving.abort();
  await t.rejects(decoding, { name: 'Refusal', code: 'cut-off' });
  t.equal(childrenOf().length, 0);
  source.finish();
  await t.rejects(decoder.decode(source, 'image/png', {}, leaving.signal), { code: 'cut-off' }, 'or gets none at all');
});

test.test('fifty at once: as many children as allowed, the rest wait, over the queue it is busy', linux, async (t) => {
  const decoder = started(t, { children: 2, warm: 2, queue: 38 });
  const bytes = await encoded(noise(400, 300), 'image/jpeg');
  let most = 0;
  const timer = setInterval(() => (most = Math.max(most, childrenOf().length)), 2);
  const results = await Promise.allSettled(
    Array.from({ length: 50 }, () => decoder.decode(bufferSource(bytes), 'image/jpeg', { luma: true })),
  );
  clearInterval(timer);
  const refused = results.filter((result) => result.status === 'rejected');
  t.equal(refused.length, 10);
  t.ok(refused.every(({ reason }) => (reason as { code?: string }).code === 'busy'));
  t.ok(most <= 4 + 2, `${most} children at once, those just killed included`);
});

test.test('a decoder that is closed leaves no process behind, and turns pictures away', linux, async (t) => {
  const decoder = startDecoder({ children: 2, warm: 2 });
  const source = stalledSource(await encoded(noise(300, 300), 'image/png'));
  const decoding = decoder.decode(source, 'image/png', {});
  decoding.catch(() => undefined);
  await source.stalled;
  await decoder.close();
  await t.rejects(decoding, { code: 'unreadable' });
  t.equal(childrenOf().length, 0);
  await t.rejects(decoder.decode(bufferSource(gifBomb(1)), 'image/gif', {}), { code: 'busy' });
  source.finish();
  await decoder.close();
});

function orZero(read: () => number): number {
  try {
    return read();
  } catch {
    return 0;
  }
}
