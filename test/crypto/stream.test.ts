import { webcrypto } from 'node:crypto';
import test from 'tap';
import { bufferSource, readAll } from '../../src/base/source.js';
import { randomSecret } from '../../src/crypto/random.js';
import {
  CHUNK_LENGTH,
  giveBackRows,
  HEADER_LENGTH,
  openedLength,
  openStream,
  plaintextThatFits,
  SealBroken,
  SEALED_CHUNK_LENGTH,
  sealedLength,
  StreamSealer,
} from '../../src/crypto/stream.js';

const CONTEXT = 'test context';
const N = CHUNK_LENGTH;
const BOUNDARIES = [0, 1, 15, 16, N - 1, N, N + 1, 2 * N - 1, 2 * N, 2 * N + 1, 5 * N + 777];

function pattern(length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, i) => (i * 31 + (i >> 8) * 7 + 5) & 255));
}

function sealWhole(key: Buffer, plaintext: Buffer, piece = plaintext.length, context = CONTEXT, salt?: Buffer): Buffer {
  const sealer = new StreamSealer(key, context, salt);
  const out: Buffer[] = [sealer.header];
  for (let at = 0; at < plaintext.length; at += piece) out.push(sealer.update(plaintext.subarray(at, at + piece)));
  out.push(sealer.final());
  return Buffer.concat(out);
}

/** The construction once more, from the text of the specification, with another library of primitives. */
async function reference(key: Buffer, salt: Buffer, context: string, plaintext: Buffer): Promise<Buffer> {
  const { subtle } = webcrypto;
  const prk = await subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-512' }, false, ['sign']);
  const info = Buffer.concat([
    Buffer.from('c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM'),
    Buffer.from([0]),
    salt,
    Buffer.from(context),
  ]);
  const t1 = Buffer.from(await subtle.sign('HMAC', prk, Buffer.concat([info, Buffer.from([1])])));
  const t2 = Buffer.from(await subtle.sign('HMAC', prk, Buffer.concat([t1, info, Buffer.from([2])])));
  const okm = Buffer.concat([t1, t2]).subarray(0, 76);
  const aead = await subtle.importKey('raw', okm.subarray(0, 32), 'AES-GCM', false, ['encrypt']);
  const out = [salt, okm.subarray(44, 76)];
  for (let k = 0; k <= Math.floor(plaintext.length / N); k++) {
    const nonce = BigInt(`0x${okm.subarray(32, 44).toString('hex')}`) ^ BigInt(k);
    const iv = Buffer.from(nonce.toString(16).padStart(24, '0'), 'hex');
    out.push(Buffer.from(await subtle.encrypt({ name: 'AES-GCM', iv }, aead, plaintext.subarray(k * N, (k + 1) * N))));
  }
  return Buffer.concat(out);
}

test.test('a sealed stream is the specified construction, byte for byte', async (t) => {
  const key = pattern(32);
  const salt = pattern(24);
  for (const length of BOUNDARIES) {
    const plaintext = pattern(length);
    t.ok(
      sealWhole(key, plaintext, length || 1, CONTEXT, salt).equals(await reference(key, salt, CONTEXT, plaintext)),
      `length ${length}`,
    );
  }
});

test.test('what is sealed opens again, whole, in pieces and byte by byte', async (t) => {
  const key = randomSecret(32);
  for (const length of BOUNDARIES) {
    const plaintext = pattern(length);
    for (const piece of [1, 7, N - 1, N, N + 1, 3 * N]) {
      if (piece === 1 && length > N + 1) continue;
      const sealed = sealWhole(key, plaintext, piece);
      t.equal(sealed.length, sealedLength(length));
      const stream = await openStream(key, CONTEXT, bufferSource(sealed));
      t.ok(stream !== null && (await readAll(stream)).equals(plaintext), `${length} bytes in pieces of ${piece}`);
      stream?.close();
    }
  }
});

test.test('any range of a stream is what a slice of the plaintext is', async (t) => {
  const key = randomSecret(32);
  const plaintext = pattern(3 * N + 100);
  const stream = await openStream(key, CONTEXT, bufferSource(sealWhole(key, plaintext)));
  const edges = [0, 1, N - 1, N, N + 1, 2 * N, 3 * N - 1, 3 * N, 3 * N + 99, 3 * N + 100, 4 * N];
  for (const start of edges) {
    for (const end of edges) {
      if (end < start) continue;
      const got = await stream?.read(start, end - start);
      t.ok(got?.equals(plaintext.subarray(start, end)), `${start} to ${end}`);
    }
  }
});

test.test('a range read into memory of the caller is what `read` gives, over rows and side by side', async (t) => {
  const key = randomSecret(32);
  const plaintext = pattern(35 * N + 100);
  const stream = await openStream(key, CONTEXT, bufferSource(sealWhole(key, plaintext)));
  const edges = [0, 1, N - 1, N, 15 * N, 16 * N - 1, 16 * N, 16 * N + 1, 33 * N, 35 * N + 99, 35 * N + 100, 36 * N];
  const all: Promise<void>[] = [];
  for (const start of edges) {
    for (const end of edges) {
      if (end < start) continue;
      const out = Buffer.alloc(end - start, 0xee);
      all.push(
        stream!.readInto!(start, out).then((came) => {
          const expected = plaintext.subarray(start, end);
          t.equal(came, expected.length);
          t.ok(out.subarray(0, came).equals(expected), `${start} to ${end}`);
        }),
      );
    }
  }
  await Promise.all(all);
});

test.test('a read that meets a broken chunk leaves nothing of the ones before it', async (t) => {
  const key = randomSecret(32);
  const sealed = sealWhole(key, pattern(20 * N));
  const at = HEADER_LENGTH + 18 * SEALED_CHUNK_LENGTH;
  sealed.writeUInt8(sealed.readUInt8(at) ^ 1, at);
  const stream = await openStream(key, CONTEXT, bufferSource(sealed));
  const out = Buffer.alloc(20 * N, 0xee);
  await t.rejects(stream!.readInto!(0, out), SealBroken);
  t.ok(out.equals(Buffer.alloc(20 * N)));
});

test.test('sealing into memory of the caller is what `update` gives', (t) => {
  const [key, salt, plaintext] = [randomSecret(32), pattern(24), pattern(5 * N + 777)];
  for (const piece of [1000, N - 1, N, N + 1, 3 * N]) {
    const sealer = new StreamSealer(key, CONTEXT, salt);
    const out = Buffer.alloc(sealedLength(plaintext.length));
    let at = sealer.header.copy(out);
    for (let from = 0; from < plaintext.length; from += piece) {
      at += sealer.updateInto(out, at, plaintext.subarray(from, from + piece));
    }
    at += sealer.final().copy(out, at);
    t.equal(at, out.length);
    t.ok(out.equals(sealWhole(key, plaintext, piece, CONTEXT, salt)), `in pieces of ${piece}`);
  }
  t.end();
});

test.test('sizes and their inverse agree, and no length lies between', (t) => {
  for (const length of [...BOUNDARIES, 1e9]) t.equal(openedLength(sealedLength(length)), length);
  for (const sealed of [0, HEADER_LENGTH, HEADER_LENGTH + 15]) t.equal(openedLength(sealed), null);
  for (let extra = 0; extra < 16; extra++) {
    t.equal(openedLength(HEADER_LENGTH + SEALED_CHUNK_LENGTH + extra), null, 'no stream ends after a full chunk');
  }
  for (let units = 1; units <= 4200; units++) {
    const room = units * 256 * 1024;
    const fits = plaintextThatFits(room);
    if (sealedLength(fits) > room || sealedLength(fits + 1) <= room) t.fail(`${units} units`);
  }
  t.end();
});

test.test('a stream opens under its key and its context only', async (t) => {
  const key = randomSecret(32);
  const sealed = bufferSource(sealWhole(key, pattern(100)));
  t.equal(await openStream(randomSecret(32), CONTEXT, sealed), null);
  t.equal(await openStream(key, 'another context', sealed), null);
  t.not(await openStream(key, CONTEXT, sealed), null);
});

test.test('a stream that was cut off anywhere does not open', async (t) => {
  const key = randomSecret(32);
  const sealed = sealWhole(key, pattern(2 * N + 5));
  for (const cut of [1, 16, 21, 22, SEALED_CHUNK_LENGTH, SEALED_CHUNK_LENGTH + 21, 2 * SEALED_CHUNK_LENGTH + 21]) {
    const shorter = sealed.subarray(0, sealed.length - cut);
    t.equal(await openStream(key, CONTEXT, bufferSource(shorter)), null, `${cut} bytes short`);
  }
  const longer = Buffer.concat([sealed, Buffer.alloc(1)]);
  t.equal(await openStream(key, CONTEXT, bufferSource(longer)), null, 'one byte more');
});

test.test('a flipped bit anywhere is found, and nothing of its chunk is handed out', async (t) => {
  const key = randomSecret(32);
  const sealed = sealWhole(key, pattern(N + 10));
  for (let at = 0; at < sealed.length; at += at < 60 || at > sealed.length - 40 ? 1 : 997) {
    const broken = Buffer.from(sealed);
    broken.writeUInt8(broken.readUInt8(at) ^ 1, at);
    const stream = await openStream(key, CONTEXT, bufferSource(broken));
    if (stream === null) continue;
    await t.rejects(readAll(stream), SealBroken, `byte ${at}`);
  }
});

test.test('chunks that changed places do not open', async (t) => {
  const key = randomSecret(32);
  const sealed = sealWhole(key, pattern(3 * N));
  const chunk = (k: number): Buffer =>
    sealed.subarray(HEADER_LENGTH + k * SEALED_CHUNK_LENGTH, HEADER_LENGTH + (k + 1) * SEALED_CHUNK_LENGTH);
  const swapped = Buffer.concat([sealed.subarray(0, HEADER_LENGTH), chunk(1), chunk(0), chunk(2), chunk(3)]);
  const stream = await openStream(key, CONTEXT, bufferSource(swapped));
  await t.rejects(stream!.read(0, 1), SealBroken);
  t.ok((await stream?.read(2 * N, 1))?.length === 1, 'an untouched chunk still opens');
});

test.test('a closed stream opens nothing more', async (t) => {
  const key = randomSecret(32);
  const stream = await openStream(key, CONTEXT, bufferSource(sealWhole(key, pattern(N))));
  stream?.close();
  stream?.close();
  await t.rejects(stream!.read(0, 1), SealBroken);
});

test.test('the memory that streams read into is given back when it is asked for', async (t) => {
  const key = randomSecret(32);
  const plaintext = pattern(5 * N);
  const stream = await openStream(key, CONTEXT, bufferSource(sealWhole(key, plaintext)));
  t.ok((await readAll(stream!)).equals(plaintext));
  const before = process.memoryUsage().arrayBuffers;
  giveBackRows();
  t.ok(before - process.memoryUsage().arrayBuffers >= 16 * SEALED_CHUNK_LENGTH);
  t.ok((await readAll(stream!)).equals(plaintext), 'and taken anew');
  stream?.close();
});

test.test('two streams under one key share neither salt nor bytes', (t) => {
  const key = randomSecret(32);
  const [a, b] = [sealWhole(key, pattern(64)), sealWhole(key, pattern(64))];
  t.notOk(a.subarray(0, 24).equals(b.subarray(0, 24)));
  t.notOk(a.subarray(56).equals(b.subarray(56)));
  t.end();
});
