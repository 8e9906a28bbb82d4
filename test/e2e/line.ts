/**
 * The line between a browser and an appliance: as slow upwards as one over Tor, seen from within, and broken on wish. It
 * passes connections on as they are.
 */
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Line {
  readonly origin: string;
  /** What was asked for, in order: method, path, and the range where one was asked for. */
  readonly requests: string[];
  /** Bytes that went up. */
  carried: number;
  /** Links of the shares that answers told of, as they went down. */
  readonly shares: string[];
  /** How many answers that made a share are still to be lost, with a reset in their place. */
  losses: number;
  close(): Promise<void>;
}

/** `bytesPerSecond` upwards, Infinity for as fast as it goes. */
export async function openLine(base: string, bytesPerSecond: number): Promise<Line> {
  const { hostname, port } = new URL(base);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    void down(upstream, client, line).catch(() => client.destroy());
    void up(client, upstream, line, bytesPerSecond).catch(() => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const line: Line = {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: [],
    carried: 0,
    shares: [],
    losses: 0,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => {
          resolve();
        });
      }),
  };
  return line;
}

async function up(client: Socket, upstream: Socket, line: Line, bytesPerSecond: number): Promise<void> {
  for await (const piece of client as AsyncIterable<Buffer>) {
    const head = /^([A-Z]{3,7} \S+) HTTP\/1\.1\r\n/.exec(piece.toString('latin1'));
    const range = /\r\nrange: ([^\r]+)/i.exec(piece.toString('latin1', 0, 4096))?.[1];
    if (head !== null) line.requests.push([head[1], range].filter((part) => part !== undefined).join(' '));
    upstream.write(piece);
    line.carried += piece.length;
    // Small pieces are requests, which need not wait.
    if (piece.length > 4096) await sleep((1000 * piece.length) / bytesPerSecond);
  }
  upstream.end();
}

async function down(upstream: Socket, client: Socket, line: Line): Promise<void> {
  for await (const piece of upstream as AsyncIterable<Buffer>) {
    if (piece.toString('latin1', 0, 12) === 'HTTP/1.1 201') {
      line.shares.push(/^location: (.*)\r$/im.exec(piece.toString('latin1'))?.[1] ?? '');
      if (line.losses > 0) {
        line.losses--;
        client.resetAndDestroy();
        return;
      }
    }
    if (!client.write(piece)) await new Promise((resolve) => client.once('drain', resolve).once('close', resolve));
  }
  client.end();
}
