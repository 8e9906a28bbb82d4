/** What goes through all listeners together: connections and requests, watched in one place. */
import type { RequestListener } from 'node:http';
import type { Server, Socket } from 'node:net';
import type { Limits } from '../config/configuration.js';
import { Connections } from './connections.js';
import type { Counts } from './counts.js';
import { Exchanges } from './exchanges.js';
import { Places, Seats } from './places.js';
import { Readers } from './readers.js';

export class Traffic {
  readonly exchanges: Exchanges;
  readonly connections: Connections;
  readonly uploads: Places;
  readonly progress: Seats;
  readonly readers: Readers;

  constructor(limits: Limits, counts: Counts, monotonic: () => number) {
    this.exchanges = new Exchanges({ ...limits, counts, monotonic });
    this.connections = new Connections(limits.connections, this.exchanges, counts);
    this.uploads = new Places(limits.uploads, limits.uploadBytes, this.exchanges);
    this.progress = new Seats(limits.progress);
    this.readers = new Readers(limits.answerBytes);
  }

  /** Counts what `server` accepts. To be called when everything else that listens for its connections is in place. */
  watch(server: Server): void {
    server.on('connection', (socket: Socket) => void this.connections.admit(socket));
  }

  /** `handler`, watched. `begin` is told of each request, and what it answers when that is over. */
  through(handler: RequestListener, begin: () => () => void): RequestListener {
    return (request, response) => {
      const end = request.socket.destroyed ? null : this.connections.begin(request.socket);
      if (end === null) return;
      this.exchanges.begin(request, response);
      this.exchanges.onEnd(request, end);
      this.exchanges.onEnd(request, begin());
      handler(request, response);
    };
  }

  /** Called each second. */
  sweep(): void {
    this.exchanges.sweep();
  }
}
