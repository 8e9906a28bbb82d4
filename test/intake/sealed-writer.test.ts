import test from 'tap';
import { readAll } from '../../src/base/source.js';
import { randomSecret } from '../../src/crypto/random.js';
import { openStream, plaintextThatFits, sealedLength } from '../../src/crypto/stream.js';
import { SealedWriter } from '../../src/intake/sealed-writer.js';
import { heldSource } from '../../src/store/held-source.js';
import { startAppliance } from '../stories/appliance.js';

const BLOCK = 256 * 1024;
const CHUNK = 16384;

function pattern(length: number): Buffer {
  return Buffer.from(Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 11) * 7) & 255));
}

test.test('what was written in pieces of any size opens again, at every edge of chunks and blocks', async (t) => {
  const appliance = await startAppliance();
  t.teardown(() => appliance.stop());
  const { arena } = appliance.app.store;
  const key = randomSecret(32);
  const edges = [0, CHUNK, 2 * CHUNK, 7 * CHUNK, 8 * CHUNK, plaintextThatFits(BLOCK), 16 * CHUNK, 17 * CHUNK];
  const fits = [plaintextThatFits(2 * BLOCK), plaintextThatFits(5 * BLOCK)];
  const lengths = [...edges, ...fits].flatMap((edge) => [edge - 1, edge, edge + 1]).filter((length) => length >= 0);
  for (const length of lengths) {
    const plaintext = pattern(length);
    for (const piece of [1000, 65_536, BLOCK, Math.max(1, length)]) {
      const hold = arena.reserve(1)!;
      const writer = new SealedWriter(arena, hold, key, 'test');
      for (let at = 0; at < length; at += piece) await writer.add(plaintext.subarray(at, at + piece));
      const sealed = await writer.end();
      t.equal(sealed, sealedLength(length));
      t.equal(hold.units.length, Math.ceil(sealed / arena.unitBytes));
      const stream = await openStream(key, 'test', heldSource(arena, hold, sealed));
      t.ok(stream !== null && (await readAll(stream)).equals(plaintext), `${length} bytes in pieces of ${piece}`);
      stream?.close();
      hold.release();
    }
  }
});
