/** HTTP through a client's SOCKS port (RFC 1928, with the user name of RFC 1929 to choose a circuit). */
import { request, type IncomingMessage, type RequestOptions } from 'node:http';
import { connect, type Socket } from 'node:net';

/** A stream to `host`, on the circuit of `user`. Throws tor's reason where there is none. */
export async function socksConnect(socksPort: number, host: string, port: number, user: string): Promise<Socket> {
  const socket = connect(socksPort, '127.0.0.1');
  socket.setTimeout(60_000, () => socket.destroy(new Error('nothing came for a minute')));
  const name = Buffer.from(user);
  socket.write(Buffer.of(5, 1, 2));
  await expectBytes(socket, 2, (answer) => answer[1] === 2);
  socket.write(Buffer.concat([Buffer.of(1, name.length), name, Buffer.of(1), Buffer.from('x')]));
  await expectBytes(socket, 2, (answer) => answer[1] === 0);
  const target = Buffer.from(host);
  socket.write(Buffer.concat([Buffer.of(5, 1, 0, 3, target.length), target, Buffer.of(port >> 8, port & 255)]));
  await expectBytes(socket, 10, (answer) => answer[1] === 0);
  return socket;
}

export interface OnionAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export interface OnionRequest {
  readonly method?: string;
  readonly headers?: Record<string, string | number>;
  readonly body?: Buffer;
  /** Sees each piece of the answer as it comes: what came before a circuit broke is not lost. */
  readonly onData?: (piece: Buffer) => void;
  /** Milliseconds without a byte after which the connection is given up. */
  readonly patience?: number;
}

/** One connection to one service, on one circuit, for requests one after another. */
export class OnionConnection {
  readonly #socket: Socket;
  readonly #host: string;

  private constructor(socket: Socket, host: string) {
    this.#socket = socket;
    this.#host = host;
  }

  static async open(socksPort: number, host: string, user: string): Promise<OnionConnection> {
    return new OnionConnection(await socksConnect(socksPort, host, 80, user), host);
  }

  async ask(target: string, options: OnionRequest = {}): Promise<OnionAnswer> {
    const { method = 'GET', headers = {}, body, onData, patience } = options;
    if (patience !== undefined) this.#socket.setTimeout(patience);
    const length = body === undefined ? {} : { 'Content-Length': body.length };
    const details: RequestOptions = {
      method,
      path: target,
      headers: { Host: this.#host, Connection: 'keep-alive', ...length, ...headers },
      createConnection: () => this.#socket,
    };
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const sent = request(details, resolve).once('error', reject);
      sent.end(body);
    });
    const pieces: Buffer[] = [];
    for await (const piece of answer as AsyncIterable<Buffer>) {
      pieces.push(piece);
      onData?.(piece);
    }
    return { status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(pieces) };
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** One request on a connection of its own. */
export async function askOnion(
  socksPort: number,
  host: string,
  user: string,
  target: string,
  options: OnionRequest = {},
): Promise<OnionAnswer> {
  const connection = await OnionConnection.open(socksPort, host, user);
  try {
    return await connection.ask(target, options);
  } finally {
    connection.close();
  }
}

async function expectBytes(socket: Socket, length: number, good: (answer: Buffer) => boolean): Promise<void> {
  const answer = await new Promise<Buffer>((resolve, reject) => {
    const read = (): void => {
      const bytes = socket.read(length) as Buffer | null;
      if (bytes === null) return;
      letGo();
      resolve(bytes);
    };
    const fail = (error?: Error): void => {
      letGo();
      reject(error ?? new Error('the SOCKS connection ended'));
    };
    const end = (): void => fail();
    const letGo = (): void => void socket.off('readable', read).off('error', fail).off('close', end);
    socket.on('readable', read).on('error', fail).on('close', end);
  });
  if (good(answer)) return;
  socket.destroy();
  throw new Error(`SOCKS refused: ${answer[1] ?? -1}`);
}
