import test from 'tap';
import { FileDigester } from '../../src/crypto/file-digests.js';
import { isSignedBy, signMessage, verifyingKeyOf } from '../../src/crypto/signature.js';

const hex = (text: string): Buffer => Buffer.from(text, 'hex');

/** RFC 8032, section 7.1, tests 1 to 3: private key, public key, message, signature. */
const VECTORS = [
  [
    '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    '',
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  ],
  [
    '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    '72',
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  ],
  [
    'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    'af82',
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  ],
] as const;

test.test('keys and signatures are those of RFC 8032', (t) => {
  for (const [privateKey, publicKey, message, signature] of VECTORS) {
    t.same(verifyingKeyOf(hex(privateKey)), hex(publicKey));
    t.same(signMessage(hex(privateKey), hex(message)), hex(signature));
    t.equal(isSignedBy(hex(publicKey), hex(message), hex(signature)), true);
  }
  t.end();
});

test.test('another key, message or signature does not pass', (t) => {
  const [, publicKey, message, signature] = VECTORS[2].map(hex) as [Buffer, Buffer, Buffer, Buffer];
  t.equal(isSignedBy(hex(VECTORS[0][1]), message, signature), false);
  t.equal(isSignedBy(publicKey, hex('af83'), signature), false);
  for (let at = 0; at < signature.length; at++) {
    const changed = Buffer.from(signature);
    changed[at]! ^= 1;
    t.equal(isSignedBy(publicKey, message, changed), false);
  }
  t.equal(isSignedBy(publicKey, message, signature.subarray(1)), false);
  t.equal(isSignedBy(publicKey.subarray(1), message, signature), false);
  t.end();
});

test.test('digests of a file come together, in pieces as of the whole, and only those wanted', (t) => {
  const all = new FileDigester(['md5', 'sha1', 'sha256']).update(Buffer.from('a')).update(Buffer.from('bc')).end();
  t.equal(all.md5?.toString('hex'), '900150983cd24fb0d6963f7d28e17f72');
  t.equal(all.sha1?.toString('hex'), 'a9993e364706816aba3e25717850c26c9cd0d89d');
  t.equal(all.sha256?.toString('hex'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  t.strictSame(Object.keys(new FileDigester(['sha1']).end()), ['sha1']);
  t.strictSame(new FileDigester([]).update(Buffer.from('x')).end(), {});
  t.end();
});
