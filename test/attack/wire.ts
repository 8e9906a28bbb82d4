/** Connections as an attacker makes them: raw, many, and rude. Bounded in number and time by whoever calls. */
import net from 'node:net';

export interface Place {
  readonly host: string;
  readonly port: number;
}

export function placeOf(base: string): Place {
  const { hostname, port } = new URL(base);
  return { host: hostname, port: Number(port) };
}

/** Opens one; resolves with null where it is refused. Errors later on are the server's answer and ignored. */
export function connect(place: Place, options: { readonly allowHalfOpen?: boolean } = {}): Promise<net.Socket | null> {
  return new Promise((resolve) => {
    const socket = net.connect({ ...place, ...options });
    socket.once('connect', () => resolve(socket));
    socket.on('error', () => resolve(null));
  });
}

/** Opens `count`, some hundred at a time. */
export async function connectMany(place: Place, count: number, stopped: () => boolean): Promise<net.Socket[]> {
  const sockets: net.Socket[] = [];
  while (sockets.length < count && !stopped()) {
    const batch = Math.min(200, count - sockets.length);
    const opened = await Promise.all(Array.from({ length: batch }, () => connect(place)));
    const good = opened.filter((socket) => socket !== null);
    sockets.push(...good);
    if (good.length === 0) break;
  }
  return sockets;
}

export function stillOpen(sockets: readonly net.Socket[]): number {
  return sockets.filter((socket) => !socket.destroyed && socket.readable).length;
}

const PATIENCE = 10_000;

/** Sends `bytes` on a connection of its own and reads until the server closes; what it said, or '' after a while. */
export async function exchange(place: Place, bytes: string | Buffer): Promise<string> {
  const socket = await connect(place);
  if (socket === null) return '';
  return new Promise((resolve) => {
    let said = '';
    const done = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(said);
    };
    const timer = setTimeout(done, PATIENCE);
    socket.on('data', (piece: Buffer) => {
      if (said.length < 100_000) said += piece.toString('latin1');
    });
    socket.once('close', done);
    socket.once('end', done);
    socket.write(bytes);
  });
}

export function statusOf(said: string): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(said)?.[1] ?? 0);
}

/** A request whose answer ends with the connection. */
export function request(line: string, headers: readonly string[] = [], body: string | Buffer = ''): Buffer {
  const length = body.length > 0 ? [`Content-Length: ${body.length}`] : [];
  const head = [`${line} HTTP/1.1`, 'Host: x', ...headers, ...length, 'Connection: close', '', ''].join('\r\n');
  return Buffer.concat([Buffer.from(head, 'latin1'), typeof body === 'string' ? Buffer.from(body, 'latin1') : body]);
}
