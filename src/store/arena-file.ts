/** The arena over its file: positioned reads and writes, and one sync for all who ask at the same time. */
import { invariant } from '../base/errors.js';
import type { Arena, Capacity, Hold, UnitList } from './arena.js';
import type { OpenFile } from './files.js';
import type { Geometry } from './geometry.js';
import type { UnitPool } from './unit-pool.js';

/** A stretch of the logical concatenation that lies in one piece in the file. */
interface Stretch {
  readonly position: number;
  readonly at: number;
  readonly length: number;
}

export class ArenaFile implements Arena {
  readonly unitBytes: number;
  readonly #file: OpenFile;
  readonly #pool: UnitPool;
  readonly #onFault: (error: unknown) => void;
  #syncing: Promise<void> | null = null;
  #nextSync: Promise<void> | null = null;

  /** `onFault` hears of every failed write or sync: what was written before may be lost, so the store must end. */
  constructor(file: OpenFile, geometry: Geometry, pool: UnitPool, onFault: (error: unknown) => void) {
    this.unitBytes = geometry.unitBytes;
    this.#file = file;
    this.#pool = pool;
    this.#onFault = onFault;
  }

  reserve(count: number): Hold | null {
    return this.#pool.reserve(count);
  }

  capacity(): Capacity {
    return this.#pool.capacity();
  }

  async write(units: UnitList, offset: number, bytes: Uint8Array): Promise<void> {
    const stretches = this.#stretches(units, offset, bytes.length);
    await this.#guarded(async () => {
      for (const { position, at, length } of stretches) {
        await this.#file.write(bytes.subarray(at, at + length), position);
      }
    });
  }

  async read(units: UnitList, offset: number, length: number): Promise<Buffer> {
    const out = Buffer.from(new ArrayBuffer(length));
    await this.readInto(units, offset, out);
    return out;
  }

  async readInto(units: UnitList, offset: number, out: Buffer): Promise<void> {
    for (const stretch of this.#stretches(units, offset, out.length)) {
      await this.#file.read(out.subarray(stretch.at, stretch.at + stretch.length), stretch.position);
    }
  }

  /** A sync that is under way may have begun before the caller's write: everyone waits for one that begins after. */
  sync(): Promise<void> {
    if (this.#syncing === null) {
      this.#syncing = this.#guarded(() => this.#file.sync()).finally(() => {
        this.#syncing = null;
      });
      return this.#syncing;
    }
    this.#nextSync ??= this.#syncing
      .catch(() => undefined)
      .then(() => {
        this.#nextSync = null;
        return this.sync();
      });
    return this.#nextSync;
  }

  async #guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#onFault(error);
      throw error;
    }
  }

  #stretches(units: UnitList, offset: number, length: number): Stretch[] {
    invariant(
      offset >= 0 && offset + length <= units.length * this.unitBytes,
      'units are addressed within their bytes',
    );
    const stretches: Stretch[] = [];
    for (let at = 0; at < length;) {
      const index = Math.floor((offset + at) / this.unitBytes);
      const inside = (offset + at) % this.unitBytes;
      const take = Math.min(this.unitBytes - inside, length - at);
      stretches.push({ position: (units[index] ?? 0) * this.unitBytes + inside, at, length: take });
      at += take;
    }
    return stretches;
  }
}
