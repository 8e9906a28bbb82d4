/** A line as slow as one over Tor: passes connections on to an appliance, upwards at a given rate. */
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface SlowLine {
  readonly origin: string;
  close(): Promise<void>;
}

export async function openSlowLine(base: string, bytesPerSecond: number): Promise<SlowLine> {
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
    upstream.pipe(client);
    void passOn(client, upstream, bytesPerSecond).catch(() => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => {
          resolve();
        });
      }),
  };
}

async function passOn(from: Socket, to: Socket, bytesPerSecond: number): Promise<void> {
  for await (const piece of from as AsyncIterable<Buffer>) {
    to.write(piece);
    // Small pieces are requests, which need not wait.
    if (piece.length > 4096) await sleep((1000 * piece.length) / bytesPerSecond);
  }
  to.end();
}
