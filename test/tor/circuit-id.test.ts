import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'tap';
import { expectCircuitLine, type CircuitLineOptions, type CircuitOf } from '../../src/tor/circuit-id.js';

const line = (id: number): string => `PROXY TCP6 fc00:dead:beef:4dad::0:${id.toString(16)} ::1 ${id} 80\r\n`;
const GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';

interface Stage {
  readonly server: Server;
  readonly folder: string;
  readonly circuitOf: CircuitOf;
  readonly open: () => Socket;
}

interface Scope {
  readonly teardown: (end: () => void) => unknown;
}

/** Listens on a socket in a folder of its own: paths of Unix sockets are short. */
async function listen(server: Server, scope: Scope): Promise<{ folder: string; open: () => Socket }> {
  const folder = mkdtempSync(path.join(tmpdir(), 'circuit-'));
  const file = path.join(folder, 's');
  await new Promise<void>((resolve) => server.listen(file, resolve));
  scope.teardown(() => {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  });
  return { folder, open: () => connect(file).on('error', () => undefined) };
}

/** A server that answers the circuit and the length of the body, behind the line. */
async function stage(scope: Scope, options: CircuitLineOptions = {}): Promise<Stage> {
  const server = createServer((request, response) => {
    let length = 0;
    request.on('data', (piece: Buffer) => (length += piece.length));
    request.on('end', () => response.end(`circuit ${String(circuitOf(request.socket))} body ${length};`));
  });
  const circuitOf = expectCircuitLine(server, options);
  return { server, circuitOf, ...(await listen(server, scope)) };
}

/** Everything that comes until `until` is in it or the connection ends. */
async function hear(socket: Socket, until?: string): Promise<string> {
  let text = '';
  socket.setEncoding('latin1');
  for await (const piece of socket) {
    text += String(piece);
    if (until !== undefined && text.includes(until)) break;
  }
  return text;
}

test.test('a request behind the line has its circuit', async (t) => {
  const { open } = await stage(t);
  const socket = open();
  socket.write(line(215) + GET);
  t.match(await hear(socket, ';'), /circuit 215 body 0;/);
});

test.test('byte by byte, in two halves, and with two requests in one piece', async (t) => {
  const { open } = await stage(t);
  const slow = open().setNoDelay();
  for (const byte of line(7) + GET) {
    slow.write(byte);
    await sleep(1);
  }
  t.match(await hear(slow, ';'), /circuit 7 body 0;/);
  for (let cut = 1; cut < line(7).length + 4; cut += 5) {
    const socket = open();
    socket.write((line(7) + GET).slice(0, cut));
    await sleep(5);
    socket.write((line(7) + GET).slice(cut));
    t.match(await hear(socket, ';'), /circuit 7 body 0;/, `cut at ${cut}`);
  }
  const twice = open();
  twice.write(line(9) + GET + GET.replace('1.1\r\n', '1.1\r\nConnection: close\r\n'));
  t.match(await hear(twice), /circuit 9 body 0;.*circuit 9 body 0;/s);
});

test.test('a long body arrives whole, and a connection serves many requests', async (t) => {
  const { open } = await stage(t);
  const socket = open();
  const length = 3_000_000;
  const body = Buffer.alloc(length, 'b');
  const head = Buffer.from(`${line(3)}POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n`);
  socket.write(Buffer.concat([head, body, Buffer.from(GET)]));
  t.match(await hear(socket, ' 0;'), /circuit 3 body 3000000;.*circuit 3 body 0;/s);
});

test.test('what does not begin with the line is closed without an answer', async (t) => {
  const { open } = await stage(t);
  const wrong = [
    GET,
    'PROXY UNKNOWN\r\n' + GET,
    line(5).replace('\r\n', '\n') + GET,
    ` ${line(5)}${GET}`,
    'x'.repeat(64),
  ];
  for (const bytes of wrong) {
    const socket = open();
    socket.write(bytes);
    t.equal(await hear(socket), '', JSON.stringify(bytes.slice(0, 20)));
  }
  const half = open();
  half.end(line(5).slice(0, 20));
  t.equal(await hear(half), '', 'half a line and the end');
});

test.test('a second line is not taken for a circuit', async (t) => {
  const { open } = await stage(t);
  const socket = open();
  socket.write(line(5) + line(6) + GET);
  t.match(await hear(socket), /^HTTP\/1\.1 400 /);
});

test.test('half a line and silence is closed after the timeout', async (t) => {
  const { open, server } = await stage(t, { timeout: 60 });
  const socket = open();
  socket.write(line(5).slice(0, 10));
  t.equal(await hear(socket), '');
  const count = await new Promise((resolve) => server.getConnections((_error, n) => resolve(n)));
  t.equal(count, 0);
  const patient = open();
  patient.write(line(5));
  await sleep(120);
  patient.write(GET);
  t.match(await hear(patient, ';'), /circuit 5/, 'the timeout ends with the line');
});

test.test('a circuit that is not admitted is closed, others are served', async (t) => {
  const { open } = await stage(t, { admit: (circuit) => circuit !== 13 });
  const refused = open();
  refused.write(line(13) + GET);
  t.equal(await hear(refused), '');
  const served = open();
  served.write(line(14) + GET);
  t.match(await hear(served, ';'), /circuit 14/);
});

test.test('another listener takes no line', async (t) => {
  const plain = createServer((_request, response) => response.end('plain'));
  const { open } = await listen(plain, t);
  const { circuitOf } = await stage(t);
  let seen: unknown = 'nothing';
  plain.on('request', ({ socket }: { socket: Socket }) => (seen = circuitOf(socket)));
  const socket = open();
  socket.write(GET);
  await hear(socket, 'plain');
  t.equal(seen, null);
  const liar = open();
  liar.write(line(5) + GET);
  t.match(await hear(liar), /^HTTP\/1\.1 400 /);
});

test.test('listeners that were there see the connection behind its line, in their order', async (t) => {
  const seen: string[] = [];
  const server = createServer((_request, response) => response.end('ok;'));
  server.on('connection', (socket: Socket) => {
    seen.push(`circuit ${String(circuitOf(socket))}`);
    // As the appliance does, which wipes what the parser has read.
    socket.on('data', (piece: Buffer) => {
      seen.push(piece.toString('latin1').slice(0, 5));
      piece.fill(0);
    });
  });
  const circuitOf = expectCircuitLine(server);
  const { open } = await listen(server, t);
  const socket = open();
  socket.write(line(8) + GET);
  t.match(await hear(socket, 'ok;'), /200 OK.*ok;/s);
  t.strictSame(seen, ['circuit 8', 'GET /']);
});

test.test("the server's own timeouts still hold behind the line", async (t) => {
  const options = { connectionsCheckingInterval: 50, headersTimeout: 100 };
  const server = createServer(options, (_request, response) => response.end());
  expectCircuitLine(server);
  const { open } = await listen(server, t);
  const socket = open();
  socket.write(`${line(8)}GET / HTTP/1.1\r\n`);
  t.match(await hear(socket), /^HTTP\/1\.1 408 /);
});
