/** What goes through all listeners together: connections and requests, watched in one place. */
import type { RequestListener } from 'node:http';
import type { Server, Socket } from 'node:net';
import type { Limits } from '../config/configuration.js';
import { Connections } from './connections.js';
import type { Counts } from './counts.js';
import { Exchanges } from './exchanges.js';
import { Places, Seats } from './places.js';
import { Readers } from './readers.js';
import { Turns } from './turns.js';

export class Traffic {
  readonly exchanges: Exchanges;
  readonly connections: Connections;
  readonly uploads: Places;
  readonly progress: Seats;
  readonly readers: Readers;
  readonly #turns: Turns;

  constructor(limits: Limits, counts: Counts, monotonic: () => number) {
    this.exchanges = new Exchanges({ ...limits, counts, monotonic });
    const { headers } = limits;
    this.connections = new Connections({
      most: limits.connections,
      headers,
      exchanges: this.exchanges,
      counts,
      monotonic,
    });
    this.#turns = new Turns(this.exchanges);
    this.uploads = new Places(limits.uploads, limits.uploadBytes, this.exchanges);
    this.progress = new Seats(limits.progress);
    this.readers = new Readers(limits.answerBytes);
  }

  /**
   * Counts what `server` accepts, and calls `left` at the end of each. To be called when everything else that listens for its
   * connections is in place.
   */
  watch(server: Server, left: () => void): void {
    server.on('connection', (socket: Socket) => {
      socket.once('close', left);
      this.connections.admit(socket);
    });
  }

  /** `handler`, watched. `begin` is told of each request, and what it answers when that is over. */
  through(handler: RequestListener, begin: () => () => void): RequestListener {
    return (request, response) => {
      if (request.socket.destroyed) return;
      const end = this.connections.begin(request.socket);
      this.exchanges.begin(request, response);
      this.readers.hear(request);
      this.exchanges.onEnd(request, end);
      this.exchanges.onEnd(request, begin());
      this.#turns.take(request, () => handler(request, response));
    };
  }

  /** Called each second. */
  sweep(): void {
    this.connections.sweep();
    this.exchanges.sweep();
  }
}
