import test from 'tap';
import { bufferSource } from '../../src/base/source.js';
import { sniff } from '../../src/media/sniff.js';
import { gifBases, jpegBases, pngBases, webpBases } from './corpus/base.js';

const latin = (text: string): Buffer => Buffer.from(text, 'latin1');
const ftyp = (...brands: readonly string[]): Buffer => {
  const [major = '', ...compatible] = brands;
  const body = latin(`ftyp${major}\0\0\0\0${compatible.join('')}`);
  return Buffer.concat([Buffer.from([0, 0, 0, body.length + 4]), body, Buffer.alloc(40)]);
};

test.test('the types that are shared are found', async (t) => {
  const first = async (bases: Promise<{ bytes: Buffer }[]>): Promise<Buffer> => (await bases)[0]!.bytes;
  const cases: [string, Buffer][] = [
    ['image/jpeg', await first(jpegBases())],
    ['image/png', await first(pngBases())],
    ['image/gif', await first(gifBases())],
    ['image/webp', await first(webpBases())],
    ['video/mp4', ftyp('isom', 'iso2', 'avc1', 'mp41')],
    ['video/mp4', ftyp('mp42', 'isom')],
    ['video/mp4', ftyp('qt  ')], // H.264 in QuickTime is taken; what else is in it, its scrubber refuses
    ['text/plain', latin('hello')],
    ['text/plain', Buffer.from('Grüße, 你好, 🙂\r\n\tand tabs')],
    ['text/plain', Buffer.from('\ufeffwith a byte order mark')],
    ['text/plain', latin('MZ, BM, BZh and Rar! are only letters here')],
    ['text/plain', latin('The wide world')],
    ['text/plain', latin('x <svg is not at the beginning')],
    ['text/plain', Buffer.alloc(300_000, 'ä')],
  ];
  for (const [type, bytes] of cases) {
    t.strictSame(await sniff(bufferSource(bytes)), { kind: 'supported', type }, `${type} of ${bytes.length} bytes`);
  }
});

test.test('what is not shared is named', async (t) => {
  const cases: [string, Buffer][] = [
    ['an empty file', Buffer.alloc(0)],
    ['a HEIC picture', ftyp('heic', 'mif1', 'heic')],
    ['a HEIC picture', ftyp('mif1', 'mif1', 'heic')],
    ['an AVIF picture', ftyp('avif', 'mif1', 'miaf')],
    ['an AVIF picture', ftyp('mif1', 'avif')],
    ['a HEIF picture', ftyp('mif1', 'miaf')],
    ['a QuickTime (MOV) video', latin('\0\0\0\x08wide\0\0\0\x10mdat')],
    ['a 3GP video', ftyp('3gp4', 'isom')],
    ['an M4A sound file', ftyp('M4A ', 'mp42')],
    ['a TIFF or raw picture', latin('II*\0\x08\0\0\0')],
    ['a BMP picture', Buffer.concat([latin('BM\x36\0\0\0\0\0\0\0\x36\0\0\0'), Buffer.alloc(40)])],
    ['an SVG picture', latin('<?xml version="1.0"?>\n<!-- made -->\n<svg xmlns="http://www.w3.org/2000/svg">')],
    ['an SVG picture', latin('  <!DOCTYPE svg PUBLIC "x" "y"><svg:svg>')],
    ['a web page', latin('<!DOCTYPE html><title>x</title>')],
    ['a PDF document', latin('%PDF-1.7\n%\xe2\xe3\xcf\xd3')],
    ['a PDF document', latin('%PDF-1.7 all of it ASCII')],
    ['a ZIP archive', latin('PK\x03\x04\0\0')],
    ['an Office document', latin('PK\x03\x04\0\0word/document.xml')],
    ['a WebM or Matroska video', latin('\x1a\x45\xdf\xa3\x01')],
    ['an AVI video', latin('RIFF\0\0\0\0AVI LIST')],
    ['a JPEG XL picture', latin('\xff\x0a\xfa')],
    ['a Windows program', latin('MZ\x90\0')],
    ['a file of unknown type', Buffer.from([1, 2, 3, 0, 255])],
    ['a file of unknown type', latin('latin one: \xe4\xf6\xfc')],
    ['a file of unknown type', Buffer.concat([Buffer.alloc(400_000, 'a'), Buffer.from([0])])],
    ['a file of unknown type', Buffer.concat([Buffer.alloc(400_000, 'a'), Buffer.from([0xc3])])],
  ];
  for (const [seems, bytes] of cases) {
    t.strictSame(await sniff(bufferSource(bytes)), { kind: 'unsupported', seems }, seems);
  }
});

test.test('a page of comments without end costs no time', async (t) => {
  const start = process.cpuUsage();
  for (const text of ['<!--a-->'.repeat(600), '<!--'.repeat(1200), '<? ?>'.repeat(900), ' '.repeat(5000)]) {
    t.equal((await sniff(bufferSource(latin(text)))).kind, 'supported');
  }
  const { user, system } = process.cpuUsage(start);
  t.ok((user + system) / 1e6 < 1);
});
