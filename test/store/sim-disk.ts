/**
 * A disk for the store's file calls that loses, tears and reorders what was not synced.
 *
 * The model is pessimistic: at a crash each sector of 512 bytes that was written since the last sync of its file holds,
 * by chance, what it held at the sync or any version written since; a file that was made or removed since the last sync
 * of the folder is there or not. A call counts as one step; the crash comes inside the step that was chosen, with any
 * part of it done.
 */
import { FileFault, type FileName, type OpenFile, type StoreFileName, type StoreFiles } from '../../src/store/files.js';

export type Random = () => number;

/** Mulberry32: small, fast, the same everywhere. */
export function seeded(seed: number): Random {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** The power failed. */
export class Crash extends Error {}

const SECTOR = 512;

interface Inode {
  readonly durable: Buffer;
  readonly volatile: Buffer;
  /** Versions of each sector written since the last sync. */
  readonly pending: Map<number, Buffer[]>;
}

export type CallKind = 'read' | 'write' | 'sync' | 'open' | 'create' | 'remove' | 'size' | 'syncFolders';

export interface Call {
  readonly kind: CallKind;
  readonly name: FileName | 'folder';
  readonly position?: number;
}

/** What may be done to a call: fail it, or pretend that it was done. Undefined = as it should be. */
export type Meddle = (call: Call, count: number) => FileFault | 'pretend' | undefined;

/** What is on the platters: files by name. */
export type Platters = ReadonlyMap<FileName, Buffer>;

export class SimDisk implements StoreFiles {
  crashAt = Infinity;
  meddle: Meddle = () => undefined;
  inRam = false;
  /** Slots are indices of a TPM: there when the call is answered, and before that whole, or not at all. */
  tpm = false;
  #count = 0;
  #down = false;
  readonly #random: Random;
  #names: Map<FileName, Inode>;
  #durableNames: Map<FileName, Inode>;

  constructor(platters: Platters, random: Random) {
    this.#random = random;
    this.#names = new Map(
      [...platters].map(([name, bytes]) => [
        name,
        { durable: Buffer.from(bytes), volatile: Buffer.from(bytes), pending: new Map<number, Buffer[]>() },
      ]),
    );
    this.#durableNames = new Map(this.#names);
  }

  get calls(): number {
    return this.#count;
  }

  get down(): boolean {
    return this.#down;
  }

  /** Pulls the plug now. */
  pull(): void {
    this.#down = true;
  }

  async size(name: FileName): Promise<number | null> {
    await this.#step({ kind: 'size', name });
    return this.#names.get(name)?.volatile.length ?? null;
  }

  async open(name: StoreFileName): Promise<OpenFile> {
    await this.#step({ kind: 'open', name });
    const inode = this.#names.get(name);
    if (inode === undefined) throw faultOf('open', name, 'ENOENT');
    return {
      read: async (into, position) => {
        await this.#step({ kind: 'read', name, position });
        if (position + into.length > inode.volatile.length) throw faultOf('read', name, 'EIO');
        inode.volatile.copy(into, 0, position);
      },
      write: async (bytes, position) => {
        const done = (): void => {
          write(inode, bytes, position);
          if (this.#inTpm(name)) sync(inode);
        };
        const partly = (): void => {
          if (!this.#inTpm(name) || this.#random() < 0.5) done();
        };
        await this.#step({ kind: 'write', name, position }, done, partly);
      },
      sync: async () => {
        await this.#step({ kind: 'sync', name }, () => sync(inode));
      },
      close: () => Promise.resolve(),
    };
  }

  async create(name: FileName, size: number): Promise<void> {
    const made = (): void => {
      const inode = { durable: Buffer.alloc(size), volatile: Buffer.alloc(size), pending: new Map<number, Buffer[]>() };
      this.#names.set(name, inode);
      if (this.#inTpm(name)) this.#durableNames.set(name, inode);
    };
    await this.#step({ kind: 'create', name }, made, made);
  }

  extend(): Promise<void> {
    return Promise.reject(new Error('a file of the store never grows by itself'));
  }

  async remove(name: FileName): Promise<void> {
    const removed = (): void => {
      this.#names.delete(name);
      if (this.#inTpm(name)) this.#durableNames.delete(name);
    };
    await this.#step({ kind: 'remove', name }, removed, removed);
  }

  async syncFolders(): Promise<void> {
    await this.#step({ kind: 'syncFolders', name: 'folder' }, () => {
      this.#durableNames = new Map(this.#names);
    });
  }

  slotsIn(): Promise<'disk' | 'ram' | 'tpm'> {
    return Promise.resolve(this.tpm ? 'tpm' : this.inRam ? 'ram' : 'disk');
  }

  freeBytes(): Promise<number> {
    return Promise.resolve(Number.MAX_SAFE_INTEGER);
  }

  /** One disk that may be found after the power failed. */
  afterCrash(): Platters {
    const found = new Map<FileName, Buffer>();
    for (const name of new Set([...this.#names.keys(), ...this.#durableNames.keys()])) {
      const inode = this.#random() < 0.5 ? this.#names.get(name) : this.#durableNames.get(name);
      if (inode !== undefined) found.set(name, this.#torn(inode));
    }
    return found;
  }

  /** Everything that was written, as if all had been synced. */
  asWritten(): Platters {
    return new Map([...this.#names].map(([name, inode]) => [name, Buffer.from(inode.volatile)]));
  }

  #inTpm(name: FileName): boolean {
    return this.tpm && name.startsWith('slot.');
  }

  #torn({ durable, pending }: Inode): Buffer {
    const bytes = Buffer.from(durable);
    const mood = this.#random();
    for (const [sector, versions] of pending) {
      const survives = mood < 0.2 ? true : mood < 0.3 ? false : this.#random() < 0.5;
      if (survives) versions[Math.floor(this.#random() * versions.length)]?.copy(bytes, sector * SECTOR);
    }
    return bytes;
  }

  /** Counts, crashes or lets the call be. `partly` is what a crash inside the call may still do. */
  async #step(call: Call, done: () => void = () => undefined, partly: () => void = () => undefined): Promise<void> {
    for (let turns = Math.floor(this.#random() * 3); turns > 0; turns--) await Promise.resolve();
    if (this.#down) throw new Crash('the power is off');
    this.#count++;
    if (this.#count >= this.crashAt) {
      this.#down = true;
      partly();
      throw new Crash('the power failed');
    }
    const meddled = this.meddle(call, this.#count);
    if (meddled === 'pretend') return;
    if (meddled !== undefined) {
      if (this.#random() < 0.5) partly();
      throw meddled;
    }
    done();
    for (let turns = Math.floor(this.#random() * 3); turns > 0; turns--) await Promise.resolve();
  }
}

function write(inode: Inode, bytes: Uint8Array, position: number): void {
  if (position + bytes.length > inode.volatile.length) throw new Error('a file of the store never grows');
  inode.volatile.set(bytes, position);
  const last = Math.ceil((position + bytes.length) / SECTOR);
  for (let sector = Math.floor(position / SECTOR); sector < last; sector++) {
    const versions = inode.pending.get(sector) ?? [];
    versions.push(Buffer.from(inode.volatile.subarray(sector * SECTOR, (sector + 1) * SECTOR)));
    inode.pending.set(sector, versions);
  }
}

function sync(inode: Inode): void {
  for (const sector of inode.pending.keys()) {
    inode.volatile.copy(inode.durable, sector * SECTOR, sector * SECTOR, (sector + 1) * SECTOR);
  }
  inode.pending.clear();
}

export function faultOf(call: CallKind, name: string, code: string): FileFault {
  return new FileFault(name, `${name}: ${call} failed (${code})`, 'none: simulated', code);
}
