import { createHash } from 'node:crypto';
import test from 'tap';
import { expandSeed, makeClientKeys, makeOnionKeys } from '../../src/crypto/onion-keys.js';
import { decodeBase32, encodeBase32 } from '../../src/tor/base32.js';
import { onionAddressOf, parseOnionAddress, serviceIdOf } from '../../src/tor/onion-address.js';

/** The examples of rend-spec-v3, and two services that the world knows. */
const KNOWN = [
  'pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion',
  'sp3k262uwy4r2k3ycr5awluarykdpag6a7y33jxop4cs2lu5uz5sseqd.onion',
  'xa4r2iadxm55fbnqgwwi5mymqdcofiu3w6rpbtqn7b2dyn7mgwj64jyd.onion',
  '2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid.onion',
  'duckduckgogg42xjoc72x3sjasowoarfbgcmvfimaftt6twagswzczad.onion',
];

test.test('known addresses parse, and come out of their keys again', (t) => {
  for (const text of KNOWN) {
    const address = parseOnionAddress(text);
    t.equal(address, text);
    t.equal(parseOnionAddress(text.toUpperCase()), text, 'in either case');
    t.equal(onionAddressOf(decodeBase32(text.slice(0, 56))!.subarray(0, 32)), text);
    t.equal(serviceIdOf(address!), text.slice(0, 56));
  }
  t.end();
});

test.test('every single mistyped character is found', (t) => {
  const text = KNOWN[0]!;
  for (let at = 0; at < 56; at++) {
    const wrong = text.slice(0, at) + (text[at] === 'a' ? 'b' : 'a') + text.slice(at + 1);
    t.equal(parseOnionAddress(wrong), null, wrong);
  }
  t.end();
});

test.test('what is not exactly an address is refused', (t) => {
  const text = KNOWN[0]!;
  const wrong = [
    '',
    '.onion',
    text.slice(1),
    `a${text}`,
    `${text}.`,
    `${text}\n`,
    ` ${text}`,
    `http://${text}`,
    `${text}:80`,
    `www.${text}`,
    text.replace('.onion', ''),
    text.replace('.onion', '.onio'),
    'expyuzz4wqqyqhjn.onion',
    // The right checksum for version 4, which doesn't exist.
    encodeBase32(
      Buffer.concat([
        Buffer.alloc(32, 7),
        createHash('sha3-256')
          .update('.onion checksum')
          .update(Buffer.alloc(32, 7))
          .update(Buffer.of(4))
          .digest()
          .subarray(0, 2),
        Buffer.of(4),
      ]),
    ) + '.onion',
  ];
  for (const each of wrong) t.equal(parseOnionAddress(each), null, JSON.stringify(each));
  t.end();
});

test.test('base32 has one text for each value', (t) => {
  // RFC 4648, section 10, without padding.
  const vectors = [
    ['', ''],
    ['f', 'my'],
    ['fo', 'mzxq'],
    ['foo', 'mzxw6'],
    ['foob', 'mzxw6yq'],
    ['fooba', 'mzxw6ytb'],
    ['foobar', 'mzxw6ytboi'],
  ] as const;
  for (const [plain, text] of vectors) {
    t.equal(encodeBase32(Buffer.from(plain)), text);
    t.strictSame(decodeBase32(text), Buffer.from(plain));
  }
  for (const wrong of ['m', 'mz', 'mzx', 'mzxw6y', 'mzxw6yr', 'my======', 'm1', 'm8', 'mý']) {
    t.equal(decodeBase32(wrong), null, wrong);
  }
  t.end();
});

test.test('secrets have the form in which tor keeps them', (t) => {
  // RFC 8032, section 7.1, test 1.
  const seed = Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex');
  const digest = createHash('sha512').update(seed).digest();
  const expanded = expandSeed(seed);
  t.equal(expanded.length, 64);
  t.equal(expanded[0]! & 7, 0);
  t.equal(expanded[31]! & 0xc0, 0x40);
  t.strictSame(expanded.subarray(1, 31), digest.subarray(1, 31));
  t.strictSame(expanded.subarray(32), digest.subarray(32));
  const [one, other] = [makeOnionKeys(), makeOnionKeys()];
  t.notSame(one.publicKey, other.publicKey);
  t.equal(one.publicKey.length, 32);
  t.equal(one.expandedSecret.length, 64);
  const client = makeClientKeys();
  t.equal(client.publicKey.length, 32);
  t.equal(client.privateKey.length, 32);
  t.end();
});
