import test from 'tap';
import { ListParser, type ListOptions, type ParsedList } from '../../src/moderation/list-parse.js';

/** Half of its bits set, like every PDQ hash of the reference. */
const PDQ = 'd8f8f0cce0f4a84f0e370a22028f67f0b36e2ed596623e1d33e6b39c4e9c9b22';
const PDQ2 = 'e64cc9d91e623842f8d1f1d9a398e78c9f199a3bd87924f2b7e11e0bf061b064';
const SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const SHA1 = 'da39a3ee5e6b4b0d3255bfef95601890afd80709';
const MD5 = 'd41d8cd98f00b204e9800998ecf8427e';
const PHOTODNA = 'A'.repeat(192);

function parse(text: string, options?: ListOptions, piece = Infinity): ParsedList {
  const parser = new ListParser(options);
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += Math.min(piece, bytes.length)) parser.push(bytes.subarray(at, at + piece));
  return parser.end();
}

function hexes({ hashes }: ParsedList): Record<string, string> {
  return Object.fromEntries(
    Object.entries(hashes)
      .filter(([, bytes]) => bytes.length > 0)
      .map(([kind, bytes]) => [kind, bytes.toString('hex')]),
  );
}

test.test('a hash a line: PDQ unless said otherwise, MD5 and SHA-1 by their length', (t) => {
  t.strictSame(hexes(parse(`# comment\n${PDQ}\n\n${MD5}\r\n${SHA1.toUpperCase()}\n`)), {
    pdq: PDQ,
    md5: MD5,
    sha1: SHA1,
  });
  t.strictSame(hexes(parse(`${SHA256}\n`, { untyped: 'sha256' })), { sha256: SHA256 });
  t.strictSame(hexes(parse(PDQ)), { pdq: PDQ }, 'the last line needs no end');
  t.end();
});

test.test('the shapes in which programmes hand lists out', (t) => {
  const cases: readonly (readonly [string, string, Record<string, string>])[] = [
    ['the output of the reference hasher', `${PDQ},100,some/picture.jpg`, { pdq: PDQ }],
    ['names and quality', `hash,quality,description\n${PDQ},87,"a, ""quoted"" case"`, { pdq: PDQ }],
    [
      'a column each',
      `md5,sha1,sha256,pdq\n${MD5},${SHA1},${SHA256},${PDQ}`,
      { md5: MD5, sha1: SHA1, sha256: SHA256, pdq: PDQ },
    ],
    ['semicolons', `MD5;SHA-1;Category\n${MD5};${SHA1};1`, { md5: MD5, sha1: SHA1 }],
    ['tabs', `PDQ\tLabel\n${PDQ}\tx`, { pdq: PDQ }],
    ['a column of types', `signal_type,signal_str\npdq,${PDQ}\nsha256,${SHA256}`, { pdq: PDQ, sha256: SHA256 }],
    ['types without names', `${PDQ},pdq\n${SHA256},sha-256`, { pdq: PDQ, sha256: SHA256 }],
    ['everything quoted', `"sha256","note"\n"${SHA256}","x"`, { sha256: SHA256 }],
    ['a digest and a file name', `${MD5}  picture.jpg`, { md5: MD5 }],
    ['a byte-order mark', `\uFEFFmd5\n${MD5}`, { md5: MD5 }],
  ];
  for (const [name, text, expected] of cases) {
    const parsed = parse(text);
    t.strictSame(hexes(parsed), expected, name);
    t.equal(parsed.summary.unreadable, 0, name);
  }
  t.end();
});

test.test('the same list comes out whole, in pieces and byte by byte', (t) => {
  const text = `md5,pdq,note\n${MD5},${PDQ},é\n,${PDQ2},"x, y"\nnonsense\n`;
  const whole = parse(text);
  for (const piece of [1, 2, 3, 31, 32, 33, 64, 100])
    t.strictSame(parse(text, undefined, piece), whole, `pieces of ${piece}`);
  t.end();
});

test.test('repetitions are dropped and counted; hashes come out in order', (t) => {
  const { hashes, summary } = parse(`${PDQ2}\n${PDQ}\n${PDQ2}\n${PDQ.toUpperCase()}\n`);
  t.equal(hashes.pdq.toString('hex'), PDQ + PDQ2);
  t.equal(summary.duplicates, 2);
  t.equal(summary.counts.pdq, 2);
  t.end();
});

test.test('PDQ hashes of low quality are left out and counted: 49 is, 50 is not', (t) => {
  for (const [quality, kept] of [
    [0, 0],
    [49, 0],
    [50, 1],
    [100, 1],
  ] as const) {
    for (const text of [`${PDQ},${quality},x`, `quality,pdq\n${quality},${PDQ}`]) {
      const { summary } = parse(text);
      t.strictSame([summary.counts.pdq, summary.lowQuality], [kept, 1 - kept], text);
    }
  }
  t.end();
});

test.test('PhotoDNA is counted and skipped in each of its notations', (t) => {
  const numbers = `"${Array.from({ length: 144 }, (_, at) => at).join(',')}"`;
  const { summary } = parse(`md5,photodna\n${MD5},${PHOTODNA}\n${MD5},${numbers}\n${MD5},${'ab'.repeat(144)}\n`);
  t.equal(summary.photoDna, 3);
  t.equal(summary.unreadable, 0);
  t.equal(summary.counts.md5, 1);
  t.end();
});

test.test('lines that hold nothing readable are counted and named', (t) => {
  const long = 'x'.repeat(200_000);
  const { summary } = parse(`${PDQ}\nnot a hash\n${PDQ.slice(1)}\n${MD5}0\n<html>\n${long}\n,,,\n`);
  t.equal(summary.unreadable, 6);
  t.strictSame(summary.unreadableLines, [2, 3, 4, 5, 6]);
  t.end();
});

test.test('a list of SHA-256 that was taken for PDQ is noticed', (t) => {
  t.equal(parse(`${PDQ}\n${PDQ2}\n`).summary.oddPdq, 0);
  t.equal(parse(`${SHA256}\n`).summary.oddPdq, 1);
  t.end();
});

test.test('an empty list is empty', (t) => {
  for (const text of ['', '\n', '# only a comment', 'md5,sha1\n']) {
    const { summary } = parse(text);
    t.strictSame([summary.counts, summary.unreadable], [{ pdq: 0, md5: 0, sha1: 0, sha256: 0 }, 0]);
  }
  t.end();
});
