/**
 * One zlib stream of a PNG, run through an inflater whose output is thrown away: to know where it really ends.
 *
 * A decoder stops at the end of the stream; what stands behind it in the same chunks is shown to nobody, which makes it
 * a place to leave things. The stream must give exactly the bytes that the picture's rows take: not fewer, not more.
 */
import { createInflate, type Inflate } from 'node:zlib';
import { Refusal } from '../../base/errors.js';
import { unreadable } from '../unreadable.js';

export class ImageData {
  readonly #inflate: Inflate;
  readonly #expected: number;
  #got = 0;
  #ended = false;
  #error: Error | null = null;
  #wake: () => void = () => undefined;

  constructor(expected: number) {
    this.#expected = expected;
    this.#inflate = createInflate({ chunkSize: 128 * 1024 });
    this.#inflate.on('data', (bytes: Buffer) => {
      this.#count(bytes.length);
    });
    this.#inflate.on('end', () => {
      this.#ended = true;
      this.#wake();
    });
    this.#inflate.on('error', (error) => {
      this.#error ??= error;
      this.#wake();
    });
  }

  /** Compressed bytes that the stream took; `null` while it goes on. */
  get consumed(): number | null {
    return this.#ended ? this.#inflate.bytesWritten : null;
  }

  /** Feeds `bytes`, which must not change before this is done. After the end of the stream it does nothing. */
  async write(bytes: Buffer): Promise<void> {
    if (this.#ended) return;
    await this.#until((done) => this.#inflate.write(bytes, done));
  }

  /** To be called when all was fed: the stream must have ended, with exactly the bytes expected. */
  async finish(): Promise<void> {
    if (!this.#ended) {
      await this.#until(() => this.#inflate.end());
    }
    this.close();
    if (this.#got < this.#expected) throw unreadable('its image data end too early');
  }

  close(): void {
    this.#inflate.destroy();
  }

  #count(length: number): void {
    this.#got += length;
    if (this.#got <= this.#expected) return;
    this.#error ??= unreadable('it has more image data than the picture takes');
    this.#wake();
  }

  /** Whatever comes first: `start` calls back, the stream ends, or it fails. */
  async #until(start: (done: () => void) => void): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      start(resolve);
    });
    if (this.#error === null) return;
    this.close();
    throw this.#error instanceof Refusal ? this.#error : unreadable('its image data are damaged');
  }
}
