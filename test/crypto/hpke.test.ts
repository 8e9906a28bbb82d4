/**
 * HPKE against the vector that accompanies RFC 9180 (test-vectors.json of draft-irtf-cfrg-hpke, mode 0, KEM 0x0020, KDF
 * 0x0001, AEAD 0x0002, encryption 0): the RFC's appendix itself prints only the AES-128 and ChaCha20 suites.
 */
import test from 'tap';
import {
  generateHpkeKeyPair,
  hpkeOpen,
  hpkePublicKeyOf,
  hpkeSeal,
  hpkeSealedLength,
  hpkeSealFixed,
} from '../../src/crypto/hpke.js';

const hex = (text: string): Buffer => Buffer.from(text, 'hex');

const VECTOR = {
  info: hex('4f6465206f6e2061204772656369616e2055726e'),
  skEm: hex('179d4b53b6365c45b600c4163b61d95cbc2f4d9e36f1695558dce265ab8bab11'),
  skRm: hex('497b4502664cfea5d5af0b39934dac72242a74f8480451e1aee7d6a53320333d'),
  pkRm: hex('430f4b9859665145a6b1ba274024487bd66f03a2dd577d7753c68d7d7d00c00c'),
  enc: hex('6c93e09869df3402d7bf231bf540fadd35cd56be14f97178f0954db94b7fc256'),
  aad: hex('436f756e742d30'),
  pt: hex('4265617574792069732074727574682c20747275746820626561757479'),
  ct: hex('e5d84cd531cfb583096e7cfa9641bd3079cf3a91cda813c52deb5f512be9931980a41de125a925cdad859d5b7a'),
};
const INFO = Buffer.from('info');
const AAD = Buffer.from('aad');

test.test('seals and opens the published vector to the byte', (t) => {
  const { info, skEm, skRm, pkRm, enc, aad, pt, ct } = VECTOR;
  t.same(hpkePublicKeyOf(skRm), pkRm);
  t.same(hpkeSealFixed(skEm, pkRm, info, aad, pt), Buffer.concat([enc, ct]));
  t.same(hpkeOpen(skRm, info, aad, Buffer.concat([enc, ct])), pt);
  t.end();
});

test.test('what is sealed opens with the same key, info and aad, at every length around a block', (t) => {
  const { publicKey, privateKey } = generateHpkeKeyPair();
  for (const length of [0, 1, 15, 16, 17, 32, 33, 64, 1000]) {
    const plaintext = Buffer.alloc(length, 7);
    const sealed = hpkeSeal(publicKey, INFO, AAD, plaintext);
    t.equal(sealed.length, hpkeSealedLength(length));
    t.same(hpkeOpen(privateKey, INFO, AAD, sealed), plaintext);
  }
  t.end();
});

test.test('nothing opens with another key, info or aad', (t) => {
  const { publicKey, privateKey } = generateHpkeKeyPair();
  const sealed = hpkeSeal(publicKey, INFO, AAD, Buffer.from('key'));
  t.equal(hpkeOpen(generateHpkeKeyPair().privateKey, INFO, AAD, sealed), null);
  t.equal(hpkeOpen(privateKey, Buffer.from('infp'), AAD, sealed), null);
  t.equal(hpkeOpen(privateKey, INFO, Buffer.from('aae'), sealed), null);
  t.equal(hpkeOpen(privateKey, INFO, Buffer.alloc(0), sealed), null);
  t.end();
});

test.test('a change of any byte, and a cut at any length, opens nothing', (t) => {
  const { publicKey, privateKey } = generateHpkeKeyPair();
  const sealed = hpkeSeal(publicKey, INFO, AAD, Buffer.from('key'));
  const opened: number[] = [];
  for (let at = 0; at < sealed.length; at++) {
    const changed = Buffer.from(sealed);
    changed[at] = changed[at]! ^ 0x80; // X25519 ignores the top bit of byte 31; the key schedule doesn't
    if (hpkeOpen(privateKey, INFO, AAD, changed) !== null) opened.push(at);
    if (hpkeOpen(privateKey, INFO, AAD, sealed.subarray(0, at)) !== null) opened.push(at);
  }
  t.strictSame(opened, []);
  t.end();
});

test.test('a point of small order as encapsulated key opens nothing and throws nothing', (t) => {
  const { privateKey } = generateHpkeKeyPair();
  t.equal(hpkeOpen(privateKey, INFO, AAD, Buffer.alloc(64)), null);
  t.throws(() => hpkeSeal(Buffer.alloc(32), INFO, AAD, Buffer.alloc(1)), 'as a recipient it is refused');
  t.throws(() => hpkeSeal(Buffer.alloc(31), INFO, AAD, Buffer.alloc(1)));
  t.end();
});

test.test('two seals of the same bytes share nothing', (t) => {
  const { publicKey } = generateHpkeKeyPair();
  const [one, two] = [0, 1].map(() => hpkeSeal(publicKey, INFO, AAD, Buffer.from('key')));
  t.notSame(one!.subarray(0, 32), two!.subarray(0, 32));
  t.notSame(one!.subarray(32), two!.subarray(32));
  t.end();
});
