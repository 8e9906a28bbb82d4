/**
 * A small client of tor's control port, over a Unix socket: the commands that the appliance needs, and no others.
 *
 * It proves itself with the cookie file (control-spec, section 3.5): over a socket file that only tor's user can open,
 * the safer handshake with nonces would prove nothing more. One command is in flight at a time.
 */
import { createConnection, type Socket } from 'node:net';
import { readFile } from 'node:fs/promises';
import { invariant } from '../base/errors.js';
import { ReplyParser, type ControlReply } from './control-reply.js';
import type { CircuitId } from './circuit-line.js';
import { TorFault } from './tor-fault.js';

const DONE = 250;
const EVENT = 650;

/** Tor refused a command. `status` says why (control-spec, section 4). */
export class ControlRefusal extends Error {
  readonly status: number;

  constructor(status: number, text: string) {
    super(`tor refused: ${status} ${text}`);
    this.name = 'ControlRefusal';
    this.status = status;
  }
}

interface Waiting {
  readonly resolve: (reply: ControlReply) => void;
  readonly reject: (error: Error) => void;
}

/** `lines` of one event: the first begins with its keyword. */
export type EventListener = (lines: readonly string[]) => void;

export class ControlPort {
  readonly #socket: Socket;
  readonly #parser = new ReplyParser();
  readonly #waiting: Waiting[] = [];
  #listener: EventListener = () => undefined;
  /** Settles when the connection has ended, whoever ended it. */
  readonly closed: Promise<void>;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => this.#read(text));
    socket.on('error', () => socket.destroy());
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        for (const { reject } of this.#waiting.splice(0)) reject(lost());
        resolve();
      });
    });
  }

  /** Connects to the socket file and proves itself, with `cookieFile` where tor was told to demand it. */
  static async connect(socketFile: string, cookieFile: string | null = null): Promise<ControlPort> {
    const port = new ControlPort(await connected(socketFile));
    try {
      const cookie = cookieFile === null ? '' : (await readFile(cookieFile)).toString('hex');
      await port.command(`AUTHENTICATE ${cookie}`.trimEnd());
      return port;
    } catch (error) {
      port.close();
      throw error;
    }
  }

  /** Sends one line and answers the lines of tor's reply; throws `ControlRefusal` where it is not 250. */
  async command(line: string): Promise<readonly string[]> {
    invariant(/^[\x20-\x7e]+$/.test(line), 'a control command is one line of printable characters');
    if (this.#socket.destroyed) throw lost();
    const reply = await new Promise<ControlReply>((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#socket.write(`${line}\r\n`);
    });
    if (reply.status !== DONE) throw new ControlRefusal(reply.status, reply.lines[0] ?? '');
    return reply.lines;
  }

  /** One piece of information, such as `version` or `status/bootstrap-phase`. */
  async getInfo(key: string): Promise<string> {
    const lines = await this.command(`GETINFO ${key}`);
    const answer = lines.find((line) => line.startsWith(`${key}=`));
    invariant(answer !== undefined, 'tor answers what it was asked');
    return answer.slice(key.length + 1).replace(/^\n/, '');
  }

  /** Ends a circuit with all its streams. `false` if it has ended already. */
  async closeCircuit(circuit: CircuitId): Promise<boolean> {
    try {
      await this.command(`CLOSECIRCUIT ${circuit}`);
      return true;
    } catch (error) {
      if (error instanceof ControlRefusal && error.status === 552) return false;
      throw error;
    }
  }

  /** Replaces what is listened for. Events before this call are lost: subscribe first, then ask for the state. */
  async listen(events: readonly string[], listener: EventListener): Promise<void> {
    this.#listener = listener;
    await this.command(`SETEVENTS ${events.join(' ')}`.trimEnd());
  }

  /** Binds tor's life to this connection: when it ends, tor exits (control-spec, section 3.21). */
  async takeOwnership(): Promise<void> {
    await this.command('TAKEOWNERSHIP');
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(text: string): void {
    try {
      for (const reply of this.#parser.push(text)) {
        if (reply.status === EVENT) this.#listener(reply.lines);
        else this.#waiting.shift()?.resolve(reply);
      }
    } catch {
      this.#socket.destroy();
    }
  }
}

function lost(): TorFault {
  return new TorFault("the connection to tor's control socket ended", 'see whether tor is running');
}

function connected(socketFile: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(socketFile);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
    socket.once('error', reject);
  });
}
