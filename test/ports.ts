import { createServer } from 'node:net';

/** Ports that are free now, all held at once so that none comes twice. */
export async function freePorts(length: number): Promise<number[]> {
  const held = await Promise.all(
    Array.from({ length }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  const ports = held.map((server) => (server.address() as { port: number }).port);
  await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** A port that is free now. */
export async function freePort(): Promise<number> {
  const [port = 0] = await freePorts(1);
  return port;
}
