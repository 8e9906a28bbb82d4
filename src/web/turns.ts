/**
 * Whose request is begun when. Requests that a client sends ahead wait for the answers before them; and in one turn of the
 * event loop they are begun for a few milliseconds only, so that a flood of them stands in line while what is under way goes
 * on: an upload needs some dozens of turns, and must not wait for all of the flood in each.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Exchanges } from './exchanges.js';

/** Milliseconds of a turn in which requests are begun as they come. */
const TURN = 4;
/** So many of those that stood in line the longest go first in the next turn, and of the newest: who comes last waits for few. */
const FROM_LINE = 4;

export class Turns {
  readonly #exchanges: Exchanges;
  /** Of each connection: the request under way, and those that were sent ahead. */
  readonly #lines = new WeakMap<Socket, (() => void)[]>();
  /** When the first request of this turn came. */
  #since = 0;
  #due = false;
  readonly #waiting: (() => void)[] = [];

  constructor(exchanges: Exchanges) {
    this.#exchanges = exchanges;
  }

  /** Calls `run` when it is this request's turn; never if its connection has ended before. */
  take(request: IncomingMessage, run: () => void): void {
    const { socket } = request;
    const line = this.#lines.get(socket) ?? [];
    this.#lines.set(socket, line);
    const begin = (): void => {
      if (!socket.destroyed) run();
    };
    line.push(begin);
    if (line.length === 1) this.#enter(begin);
    this.#exchanges.onEnd(request, () => {
      const wasFirst = line[0] === begin;
      line.splice(line.indexOf(begin), 1);
      if (wasFirst && line[0] !== undefined && !socket.destroyed) this.#enter(line[0]);
    });
  }

  #enter(begin: () => void): void {
    if (!this.#due) this.#awaitTurn();
    // What a request does at once is done when the next one comes, so the time tells how much that was.
    if (this.#waiting.length > 0 || performance.now() - this.#since > TURN) this.#waiting.push(begin);
    else begin();
  }

  #awaitTurn(): void {
    this.#due = true;
    this.#since = performance.now();
    setImmediate(() => {
      this.#due = false;
      const next = [...this.#waiting.splice(-FROM_LINE), ...this.#waiting.splice(0, FROM_LINE)];
      if (next.length > 0) this.#awaitTurn();
      for (const begin of next) begin();
    });
  }
}
