/** One decoder child as the parent sees it: started, ready, given one picture, gone. */
import { wipe } from '../../base/bytes.js';
import type { Clock } from '../../base/clock.js';
import { invariant, Refusal } from '../../base/errors.js';
import type { ByteSource } from '../../base/source.js';
import { SECOND } from '../../base/units.js';
import { Answer } from './answer.js';
import type { Command } from './confine.js';
import type { Decoded } from './decoder.js';
import { Guarded } from './guarded.js';
import type { DecodeLimits } from './limits.js';
import type { WireRequest } from './wire.js';
import { encodeHeader, encodeRequest, FrameReader, KIND, parseReady, PIECE_SIZE, WireError } from './wire.js';

const START_TIMEOUT = 15 * SECOND;

/** Who hears the child at the moment. `take` may throw: then `fail` is told, and the child is killed. */
interface Listener {
  readonly take: (kind: number, body: Buffer) => void;
  readonly fail: (error: Error) => void;
}

export class Worker {
  readonly #process: Guarded;
  readonly #reader = new FrameReader((kind, body) => this.#listener.take(kind, body));
  /** Resolves when the child waits for its picture; rejects when it never will. */
  readonly ready: Promise<void>;
  #listener: Listener = { take: () => undefined, fail: () => undefined };
  #state: 'starting' | 'ready' | 'used' = 'starting';

  constructor(command: Command, limits: DecodeLimits, clock: Clock) {
    this.#process = new Guarded(command, limits, clock);
    this.ready = this.#started();
    // Whoever waits for it hears of a failure; a warm child that nobody waits for may fail in silence.
    this.ready.catch(() => undefined);
    this.#process.output(1).on('data', (chunk: Buffer) => this.#hear(chunk));
  }

  get alive(): boolean {
    return this.#process.alive;
  }

  get pid(): number | null {
    return this.#process.pid;
  }

  /** Settles when the process has ended. */
  get gone(): Promise<void> {
    return this.#process.gone;
  }

  kill(): void {
    this.#process.kill();
  }

  /**
   * Hands the picture in and waits for the answer. Once only; the child is killed afterwards, whatever came of it.
   * Throws a `Refusal` ('unreadable', or 'cut-off' when `signal` ended it), or what reading the source threw.
   */
  async decode(source: ByteSource, request: WireRequest, signal: AbortSignal | null): Promise<Decoded> {
    invariant(this.#state === 'ready', 'a decoder child is used once, when it is ready');
    this.#state = 'used';
    const answer = new Answer(request);
    const abort = (): void => this.kill();
    signal?.addEventListener('abort', abort, { once: true });
    try {
      if (isAborted(signal)) throw cutOff();
      this.#process.watch();
      const answered = this.#answered(answer, signal);
      return await Promise.race([answered, this.#sent(source, request).then(() => answered)]);
    } catch (error) {
      answer.discard();
      throw error;
    } finally {
      signal?.removeEventListener('abort', abort);
      this.kill();
    }
  }

  async #sent(source: ByteSource, request: WireRequest): Promise<void> {
    const body = encodeRequest(request);
    await this.#process.write(encodeHeader(KIND.request, body.length), body);
    await this.#process.writeAll(source, PIECE_SIZE, (length) => encodeHeader(KIND.piece, length));
  }

  #answered(answer: Answer, signal: AbortSignal | null): Promise<Decoded> {
    return new Promise((resolve, reject) => {
      const take = (kind: number, body: Buffer): void => {
        const whole = answer.take(kind, body);
        if (whole !== null) resolve(whole);
      };
      this.#listener = { take, fail: reject };
      void this.gone.then(() => reject(isAborted(signal) ? cutOff() : this.#process.failure()));
    });
  }

  #started(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.kill(), START_TIMEOUT);
      const take = (kind: number, body: Buffer): void => {
        if (kind !== KIND.ready) throw new WireError('a child that does not say that it is ready');
        parseReady(body);
        this.#state = 'ready';
        resolve();
      };
      this.#listener = { take, fail: reject };
      void this.gone.then(() => reject(new Error('a decoder child did not start')));
      void Promise.race([this.gone, this.ready])
        .finally(() => clearTimeout(timer))
        .catch(() => undefined);
    });
  }

  #hear(chunk: Buffer): void {
    try {
      this.#reader.push(chunk);
    } catch (error) {
      // A child that breaks the format has been taken over, or is broken: the picture is to blame either way.
      this.#listener.fail(error instanceof Refusal ? error : new Refusal('unreadable', 'decoding went wrong'));
      this.#reader.discard();
      this.kill();
    } finally {
      wipe(chunk);
    }
  }
}

function isAborted(signal: AbortSignal | null): boolean {
  return signal?.aborted === true;
}

function cutOff(): Refusal {
  return new Refusal('cut-off', 'the sender left while the picture was read');
}
