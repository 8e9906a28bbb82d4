/**
 * Circuit IDs in front of a `node:http` server: behind tor every visitor has the same address, and the circuit is the
 * only thing that tells two of them apart.
 *
 * A server given to `expectCircuitLine` speaks HTTP only behind tor's line (see `circuit-line.ts`): a connection that
 * begins with anything else, sends half a line and waits, or is not admitted, is closed without an answer. The ID is
 * kept beside the socket and only for sockets of that server, so that a visitor of any other listener who sends such a
 * line gets what every malformed request gets, and no header can ever claim a circuit.
 *
 * What does not hold: whoever can connect to the listener can claim any circuit. The socket file's mode is the guard.
 */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { SECOND } from '../base/units.js';
import { MAX_LINE_BYTES, readCircuitLine, type CircuitId } from './circuit-line.js';

export interface CircuitLineOptions {
  /** Milliseconds until a connection without a whole line is closed. Tor sends it at once. */
  readonly timeout?: number;
  /** Asked once for each connection, after its line and before its first request; `false` closes it. */
  readonly admit?: (circuit: CircuitId, socket: Socket) => boolean;
}

/** The circuit of a request's socket; `null` for a socket that came without a line. */
export type CircuitOf = (socket: Socket) => CircuitId | null;

/**
 * Puts the line in front of `server`, before or after it listens. Listeners for `connection` that it has now see each
 * connection behind its line, in their order; ones that are added later would see it before, so add them first.
 *
 *     const circuitOf = expectCircuitLine(server, { admit: (circuit) => limits.connect(circuit) !== null });
 */
export function expectCircuitLine(server: Server, options: CircuitLineOptions = {}): CircuitOf {
  const circuits = new WeakMap<Socket, CircuitId>();
  const behind = server.listeners('connection') as ((socket: Socket) => void)[];
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    whenLineCame(socket, options.timeout ?? 5 * SECOND, (circuit) => {
      circuits.set(socket, circuit);
      if (options.admit?.(circuit, socket) === false) socket.destroy();
      else for (const listener of behind) listener.call(server, socket);
    });
  });
  return (socket) => circuits.get(socket) ?? null;
}

/** Calls `then` once, when the line is read off the socket and what follows it is back in the stream. */
function whenLineCame(socket: Socket, timeout: number, then: (circuit: CircuitId) => void): void {
  let held: Buffer = Buffer.alloc(0);
  const close = (): void => void socket.destroy();
  const timer = setTimeout(close, timeout);
  const letGo = (): void => {
    clearTimeout(timer);
    socket.off('readable', read).off('end', close).off('error', close).off('close', letGo);
  };
  const read = (): void => {
    for (let piece = socket.read() as Buffer | null; piece !== null; piece = socket.read() as Buffer | null) {
      held = held.length === 0 ? piece : Buffer.concat([held, piece]);
      const line = readCircuitLine(held.subarray(0, MAX_LINE_BYTES));
      if (line.kind === 'more') continue;
      letGo();
      if (line.kind === 'malformed') {
        close();
        return;
      }
      if (held.length > line.length) socket.unshift(held.subarray(line.length));
      then(line.circuit);
      return;
    }
  };
  socket.on('readable', read).on('end', close).on('error', close).on('close', letGo);
}
