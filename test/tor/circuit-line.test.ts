import test from 'tap';
import { MAX_LINE_BYTES, readCircuitLine } from '../../src/tor/circuit-line.js';

const PREFIX = 'PROXY TCP6 fc00:dead:beef:4dad::';
const read = (text: string): ReturnType<typeof readCircuitLine> => readCircuitLine(Buffer.from(text, 'latin1'));

/** The line as tor's source builds it. */
function lineOf(id: number, virtualPort = 80): string {
  const [high, low] = [Math.floor(id / 0x10000), id % 0x10000];
  return `${PREFIX}${high.toString(16)}:${low.toString(16)} ::1 ${low === 0 ? 1 : low} ${virtualPort}\r\n`;
}

test.test('every kind of circuit ID is read', (t) => {
  for (const id of [1, 2, 9, 10, 15, 16, 215, 255, 256, 65535, 65536, 65537, 131072, 2 ** 31, 2 ** 32 - 1]) {
    const line = lineOf(id);
    t.strictSame(read(line), { kind: 'circuit', circuit: id, length: line.length });
    t.strictSame(read(`${line}GET / HTTP/1.1\r\n`), { kind: 'circuit', circuit: id, length: line.length });
  }
  t.equal(lineOf(2 ** 32 - 1, 65535).length, MAX_LINE_BYTES);
  t.equal(read(lineOf(2 ** 32 - 1, 65535)).kind, 'circuit', 'the longest line there is');
  t.end();
});

test.test('byte by byte, a line needs more until its last byte', (t) => {
  const line = lineOf(215);
  for (let length = 0; length < line.length; length++) t.equal(read(line.slice(0, length)).kind, 'more');
  t.equal(read(line).kind, 'circuit');
  t.end();
});

test.test('a line that differs in one byte is malformed', (t) => {
  const line = lineOf(215);
  for (let at = 0; at < line.length; at++) {
    // In front of the end; the end itself is tried below.
    const wrong = `${line.slice(0, at)}~${line.slice(at + 1)}`;
    const padded = wrong.endsWith('\n') ? wrong : wrong.padEnd(MAX_LINE_BYTES, 'x');
    t.equal(read(padded).kind, 'malformed', JSON.stringify(wrong));
  }
  t.end();
});

test.test('what tor never writes is malformed', (t) => {
  const wrong = [
    '\r\n',
    '\n',
    'GET / HTTP/1.1\r\n',
    'PROXY UNKNOWN\r\n',
    'PROXY TCP4 127.0.0.1 127.0.0.1 1 80\r\n',
    `${PREFIX}0:0 ::1 1 80\r\n`,
    `${PREFIX}0:d7 ::1 216 80\r\n`,
    `${PREFIX}0:d7 ::1 215 0\r\n`,
    `${PREFIX}0:d7 ::1 215 65536\r\n`,
    `${PREFIX}0:d7 ::1 0215 80\r\n`,
    `${PREFIX}0:d7 ::1 215 080\r\n`,
    `${PREFIX}0:0d7 ::1 215 80\r\n`,
    `${PREFIX}00:d7 ::1 215 80\r\n`,
    `${PREFIX}0:D7 ::1 215 80\r\n`,
    `${PREFIX}0:d7 ::1 215 80\n`,
    `${PREFIX}0:d7 ::1 215 80 \r\n`,
    `${PREFIX}0:d7 ::1  215 80\r\n`,
    `${PREFIX}0:d7 ::2 215 80\r\n`,
    `${PREFIX}1:0 ::1 0 80\r\n`,
    `${PREFIX}10000:d7 ::1 215 80\r\n`,
    `${PREFIX}0:10000 ::1 1 80\r\n`,
    ` ${lineOf(215)}`,
    lineOf(215).toLowerCase(),
    lineOf(215).replace('4dad::', '4dad:0:'),
    'x'.repeat(MAX_LINE_BYTES),
  ];
  for (const each of wrong) t.equal(read(each).kind, 'malformed', JSON.stringify(each));
  t.equal(read('x'.repeat(MAX_LINE_BYTES - 1)).kind, 'more', 'one byte below the bound');
  t.end();
});
