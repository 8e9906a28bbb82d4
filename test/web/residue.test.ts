/** What a socket read is wiped as soon as the parser has had it. */
import { once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo, type Socket } from 'node:net';
import test from 'tap';
import { Residue } from '../../src/web/residue.js';

interface Seen {
  readonly piece: Buffer;
  readonly text: string;
  /** What stood in it when its memory was given back or nobody had it any more; '' = nothing but zeros. */
  left: string;
}

/** Notes each piece that arrives, and what is in it each time that it is overwritten. */
function watch(socket: Socket, seen: Seen[]): void {
  socket.on('data', (piece: Buffer) => {
    const one: Seen = { piece, text: piece.toString('latin1'), left: 'not wiped' };
    seen.push(one);
    const fill = piece.fill.bind(piece);
    piece.fill = (value: number) => {
      fill(value);
      one.left = piece.toString('latin1').replaceAll('\0', '');
      return piece;
    };
  });
}

test.test('heads and bodies are wiped piece by piece, in memory that all of them share', async (t) => {
  const seen: Seen[] = [];
  const bodies: string[] = [];
  const server = http.createServer((request, response) => {
    let body = '';
    request.setEncoding('latin1').on('data', (piece: string) => void (body += piece));
    request.once('end', () => {
      bodies.push(body);
      response.end('ok');
    });
  });
  server.prependListener('connection', (socket: Socket) => watch(socket, seen));
  new Residue(server, 16384);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const socket = net.connect((server.address() as AddressInfo).port, '127.0.0.1');
  const words = 'words '.repeat(30_000);
  socket.write(
    `PUT /secret-path HTTP/1.1\r\nHost: a\r\nContent-Length: ${words.length}\r\n\r\n${words.slice(0, 70_000)}`,
  );
  await new Promise((resolve) => setTimeout(resolve, 50));
  socket.write(words.slice(70_000));
  await once(socket, 'data');
  socket.destroy();
  t.strictSame(bodies, [words], 'the handler had all of it');
  t.match(seen[0]?.text, 'secret-path');
  t.ok(seen.length > 1, 'in several pieces');
  t.strictSame(
    seen.map(({ left }) => left),
    seen.map(() => ''),
  );
  t.equal(new Set(seen.map(({ piece }) => piece.buffer)).size, 1, 'all in the same memory');
});

test.test('a body that is read late comes whole, however much was sent meanwhile', async (t) => {
  const bodies: string[] = [];
  const server = http.createServer((request, response) => {
    setTimeout(() => {
      let body = '';
      request.setEncoding('latin1').on('data', (piece: string) => {
        body += piece;
        request.pause();
        setTimeout(() => request.resume(), 1);
      });
      request.once('end', () => {
        bodies.push(body);
        response.end('ok');
      });
    }, 100);
  });
  new Residue(server, 16384);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const sent = ['one ', 'two '].map((word) => Array.from({ length: 400_000 }, (_, i) => `${word}${i} `).join(''));
  await Promise.all(
    sent.map(async (body) => {
      const socket = net.connect(port, '127.0.0.1');
      socket.write(`PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      await once(socket, 'data');
      socket.destroy();
    }),
  );
  t.ok(sent.every((body) => bodies.includes(body)));
});
