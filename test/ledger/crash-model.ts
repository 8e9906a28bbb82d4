/**
 * Lives of a store on a disk that loses, tears and reorders what was not synced: random work, the power failing in any
 * call, starts that are cut off too, and an oracle that knows what was acknowledged. Every counter but the first four
 * must stay 0.
 */
import { randomBytes } from 'node:crypto';
import type { Share } from '../../src/ledger/ledger.js';
import { mintDeletionToken, mintLinkToken, type FileId, type LinkToken } from '../../src/ledger/tokens.js';
import { SETS, type FileName } from '../../src/store/files.js';
import { openPage } from '../../src/store/log-page.js';
import { nonceOf } from '../../src/store/epoch.js';
import { CountingSealer, openBench, rootOf, TestClock, TINY, type BenchStore, type Modules } from './bench-store.js';
import { Crash, SimDisk, type Call, type Platters, type Random } from '../store/sim-disk.js';
import { seeded } from '../store/sim-disk.js';

export interface Counters {
  runs: number;
  crashes: number;
  crashesInStart: number;
  acknowledged: number;
  /** 2. An acknowledged share was not there. */
  lost: number;
  /** 3. A share that was answered as gone was there. */
  back: number;
  wrongSecret: number;
  wrongContent: number;
  wrongViews: number;
  wrongBook: number;
  /** 4. A last view had two winners, or none. */
  wrongWinners: number;
  /** 8. The clock went back. */
  clockWentBack: number;
  /** 10. After a round the disk, with the root key, held a secret that was shredded before it. */
  secretOnDisk: number;
  /** 12. Something was acknowledged while both epochs could be opened. */
  twoEpochs: number;
  /** 13. A (key, nonce) sealed two plaintexts. */
  nonceReused: number;
  /** 15. A start was refused. */
  refused: number;
  /** 18. Names or sizes of files changed after the making. */
  namesChanged: number;
  /** 19. A unit was in two shares, or was written under a reader. */
  sharedUnits: number;
  /** 22. Units that were kept as evidence were let go, or written over. */
  evidenceLost: number;
  /** 22. Units that were let go were kept again. */
  evidenceBack: number;
  /** Units that nobody has and that are not free. */
  unitsLost: number;
  /** Something failed that never should. */
  errors: number;
}

export function noCounters(): Counters {
  return {
    runs: 0,
    crashes: 0,
    crashesInStart: 0,
    acknowledged: 0,
    lost: 0,
    back: 0,
    wrongSecret: 0,
    wrongContent: 0,
    wrongViews: 0,
    wrongBook: 0,
    wrongWinners: 0,
    clockWentBack: 0,
    secretOnDisk: 0,
    twoEpochs: 0,
    nonceReused: 0,
    refused: 0,
    namesChanged: 0,
    sharedUnits: 0,
    evidenceLost: 0,
    evidenceBack: 0,
    unitsLost: 0,
    errors: 0,
  };
}

const COUNTS: readonly string[] = ['runs', 'crashes', 'crashesInStart', 'acknowledged'];

/** The counters that must be 0. */
export function failuresIn(counters: Counters): Partial<Counters> {
  const failures = Object.entries(counters).filter(([name, count]) => !COUNTS.includes(name) && count > 0);
  return Object.fromEntries(failures);
}

interface Known {
  readonly link: LinkToken;
  readonly secret: Buffer;
  readonly content: Buffer;
  expiresAt: number | null;
  /** While the expiry is being brought forward: what it was. */
  atMost: number | null;
  /** What the medium may say of it after a crash. */
  fate: 'alive' | 'unsure' | 'dead';
  /** Views left that are possible: one number unless something was in flight. */
  views: Set<number | null>;
  /** Null until it is known to have been recorded. */
  fileId: FileId | null;
  /** Whether its units are kept as evidence, while it lives and after. */
  kept: 'no' | 'perhaps' | 'yes';
  /** Its death was acknowledged before a round began that was acknowledged too. */
  sealed: boolean;
}

const LIVES = 4;
const STEPS = 30;
const LONG = 2500;

export interface ModelOptions {
  readonly runs: number;
  readonly seed: number;
  readonly verbose?: boolean;
  /** Plants a bug in the disk's answers. */
  readonly meddle?: (call: Call, disk: SimDisk) => 'pretend' | undefined;
  /** The slots live in a TPM. */
  readonly tpm?: boolean;
  /** Stops at the first failure. */
  readonly untilFailure?: boolean;
}

export async function runModel(modules: Modules, options: ModelOptions): Promise<Counters> {
  const counters = noCounters();
  for (let run = 0; run < options.runs; run++) {
    const model = new Model(modules, counters, seeded(options.seed * 1_000_003 + run), options);
    await model.run();
    counters.runs++;
    if (options.untilFailure === true && Object.keys(failuresIn(counters)).length > 0) break;
  }
  return counters;
}

/** By name, because a copy of the build has classes of its own. */
function isA(name: 'Refusal' | 'StoreFault', error: unknown): boolean {
  return error instanceof Error && error.name === name;
}

class Model {
  readonly #modules: Modules;
  readonly #counters: Counters;
  readonly #random: Random;
  readonly #options: ModelOptions;
  readonly #clock = new TestClock();
  readonly #sealer = new CountingSealer();
  readonly #shares: Known[] = [];
  /** Value of the one counter in the book: at least, at most. */
  #count = { least: 0, most: 0 };
  /** Last byte of the one long value in the book: what it may be. */
  #long = new Set([0]);
  #longest = 0;
  /** The clock is on record at least so far. */
  #recorded = 0;
  #disk: SimDisk;
  #made = false;

  constructor(modules: Modules, counters: Counters, random: Random, options: ModelOptions) {
    this.#modules = modules;
    this.#counters = counters;
    this.#random = random;
    this.#options = options;
    this.#disk = new SimDisk(new Map(), random);
  }

  async run(): Promise<void> {
    let platters: Platters = new Map();
    for (let life = 0; life < LIVES; life++) {
      this.#disk = new SimDisk(platters, this.#random);
      this.#disk.tpm = this.#options.tpm ?? false;
      const { meddle } = this.#options;
      if (meddle !== undefined) {
        const disk = this.#disk;
        disk.meddle = (call) => meddle(call, disk);
      }
      const reach = this.#random() < 0.25 ? 60 : 500;
      this.#disk.crashAt = 1 + Math.floor(this.#random() * reach) + (this.#made || this.#random() < 0.3 ? 0 : 60);
      if (!(await this.#live())) return;
      platters = this.#disk.afterCrash();
      this.#checkPlatters(platters);
    }
    this.#counters.nonceReused += this.#sealer.reused;
  }

  /** One life. False where there can be no further one. */
  async #live(): Promise<boolean> {
    let bench: BenchStore;
    const before = this.#clock.time;
    // The wall clock may be wrong at a start, and be set right a little later.
    if (this.#random() < 0.2) this.#clock.set(before - 3_600_000);
    try {
      bench = await openBench(this.#modules, {
        files: this.#disk,
        clock: this.#clock,
        geometry: this.#options.tpm === true ? { ...TINY, slotBytes: 32 } : TINY,
        rootKey: rootOf(7),
        sealer: this.#sealer,
        acceptClockJump: true,
      });
    } catch (error) {
      this.#clock.set(before);
      return this.#startFailed(error);
    }
    this.#made = true;
    this.#checkNames();
    try {
      await this.#checkState(bench);
      this.#clock.set(before);
      for (let step = 0; step < STEPS; step++) await this.#step(bench);
      if (this.#random() < 0.5) await bench.opened.close();
    } catch (error) {
      if (!this.#isCrash(error)) this.#error(error);
    } finally {
      this.#clock.set(before);
      this.#disk.pull();
      await bench.opened.filling;
      await bench.opened.close().catch(() => undefined);
      bench.state.close();
    }
    this.#counters.crashes++;
    return true;
  }

  #startFailed(error: unknown): boolean {
    if (this.#isCrash(error)) {
      this.#counters.crashesInStart++;
      return true;
    }
    if (isA('StoreFault', error)) this.#counters.refused++;
    else this.#error(error);
    if (this.#options.verbose === true) console.log(error);
    return false;
  }

  #error(error: unknown): void {
    this.#counters.errors++;
    if (this.#options.verbose === true) console.log(error);
  }

  #isCrash(error: unknown): boolean {
    return error instanceof Crash || (this.#disk.down && isA('Refusal', error));
  }

  #checkNames(): void {
    const now = [...this.#disk.asWritten()].map(([name, bytes]) => `${name} ${bytes.length}`).sort();
    if (now.length !== 7 || now.some((line) => line.startsWith('unfinished'))) this.#counters.namesChanged++;
  }

  /** What was acknowledged is what a start finds. */
  async #checkState({ ledger, opened, state }: BenchStore): Promise<void> {
    if (ledger.now() < this.#recorded) this.#counters.clockWentBack++;
    const owners = new Map<number, Known>();
    for (const known of this.#shares) {
      const share = ledger.find(known.link);
      const least = known.expiresAt ?? Infinity;
      if (share === null) {
        if (least <= ledger.now()) continue;
        if (known.fate === 'alive') this.#counters.lost++;
        known.fate = 'dead';
        continue;
      }
      if (known.fate === 'dead' || (known.atMost ?? least) <= ledger.now()) this.#counters.back++;
      known.fate = 'alive';
      known.atMost = null;
      known.expiresAt = share.expiresAt;
      known.fileId = share.fileId;
      if (!known.views.has(share.viewsLeft)) this.#counters.wrongViews++;
      known.views = new Set([share.viewsLeft]);
      await this.#checkShare({ ledger, opened }, known, share);
      for (const unit of share.units) {
        if (owners.has(unit)) this.#counters.sharedUnits++;
        owners.set(unit, known);
      }
    }
    for (const known of this.#shares) await this.#checkKept({ ledger, opened }, known, owners);
    this.#checkUnits({ ledger, opened, state });
    const count = ledger.book(1).count(Buffer.from('n'));
    if (count < this.#count.least || count > this.#count.most) this.#counters.wrongBook++;
    this.#count = { least: count, most: count };
    const long = ledger.book(2).get(Buffer.from('long'));
    if (!this.#long.has(long?.at(-1) ?? 0)) this.#counters.wrongBook++;
    if (long !== null && (long.length !== LONG || long.some((byte) => byte !== long[0]))) this.#counters.wrongBook++;
    this.#long = new Set([long?.at(-1) ?? 0]);
  }

  /** What was kept is kept, with its content, and of no other share. */
  async #checkKept(
    { ledger, opened }: Pick<BenchStore, 'ledger' | 'opened'>,
    known: Known,
    owners: Map<number, Known>,
  ): Promise<void> {
    const hold = known.fileId === null ? null : ledger.holdKept(known.fileId);
    if (hold === null && known.kept === 'yes') this.#counters.evidenceLost++;
    if (hold !== null && known.kept === 'no') this.#counters.evidenceBack++;
    known.kept = hold === null ? 'no' : 'yes';
    if (hold === null) return;
    for (const unit of hold.units) {
      if (owners.has(unit) && owners.get(unit) !== known) this.#counters.sharedUnits++;
      owners.set(unit, known);
    }
    const content = await opened.store.arena.read(hold.units, 0, known.content.length);
    if (!content.equals(known.content)) this.#counters.evidenceLost++;
    hold.release();
  }

  /** Every unit that is not free is a row's or is kept. At a start nobody reads yet. */
  #checkUnits({ ledger, opened, state }: BenchStore): void {
    const { filled, free } = opened.store.arena.capacity();
    const rows = ledger.unitsOf('timed') + ledger.unitsOf('burn') + ledger.unitsOf('never');
    let orphans = 0;
    for (const { fileId } of this.#shares) {
      if (fileId === null || state.search((tables) => tables.byFileId(fileId)) !== null) continue;
      orphans += state.keptOf(fileId)?.length ?? 0;
    }
    if (filled - free !== rows + orphans) this.#counters.unitsLost++;
  }

  async #checkShare(
    { ledger, opened }: Pick<BenchStore, 'ledger' | 'opened'>,
    known: Known,
    share: Share,
  ): Promise<void> {
    if (ledger.secretOf(share)?.equals(known.secret) !== true) this.#counters.wrongSecret++;
    const content = await opened.store.arena.read(share.units, 0, known.content.length);
    if (!content.equals(known.content)) this.#counters.wrongContent++;
  }

  async #step(bench: BenchStore): Promise<void> {
    const work: Promise<void>[] = [];
    for (let i = 1 + Math.floor(this.#random() * 4); i > 0; i--) work.push(this.#act(bench));
    const results = await Promise.allSettled(work);
    for (const result of results) if (result.status === 'rejected') throw result.reason;
    this.#clock.advance(Math.floor(this.#random() * 5000));
    bench.ledger.sweepExpired();
  }

  async #act(bench: BenchStore): Promise<void> {
    await this.#idle(300);
    const alive = this.#shares.filter(
      (known) => known.fate === 'alive' && (known.expiresAt ?? Infinity) > bench.ledger.now(),
    );
    const target = alive[Math.floor(this.#random() * alive.length)];
    const dice = this.#random();
    if (this.#random() < 0.12) await this.#evidence(bench, target);
    else if (dice < 0.42 || target === undefined) await this.#put(bench);
    else if (dice < 0.62) await this.#view(bench, target);
    else if (dice < 0.72) await this.#remove(bench, target);
    else if (dice < 0.78) await this.#shorten(bench, target);
    else if (dice < 0.84) await this.#add(bench);
    else if (dice < 0.87) await this.#write(bench);
    else await this.#roll(bench);
  }

  async #idle(most: number): Promise<void> {
    for (let turns = Math.floor(this.#random() * most); turns > 0; turns--) await Promise.resolve();
  }

  async #put({ ledger, opened }: BenchStore): Promise<void> {
    const content = randomBytes(1 + Math.floor(this.#random() * TINY.unitBytes * 3));
    const hold = opened.store.arena.reserve(Math.ceil(content.length / TINY.unitBytes));
    if (hold === null) return;
    const views = [null, 1, 3][Math.floor(this.#random() * 3)] ?? null;
    const expiresAt = this.#random() < 0.3 ? null : ledger.now() + Math.floor(this.#random() * 60_000);
    const [link, secret] = [mintLinkToken(), randomBytes(32)];
    const known: Known = {
      link,
      secret,
      content,
      expiresAt,
      atMost: null,
      fate: 'unsure',
      views: new Set([views]),
      fileId: null,
      kept: 'no',
      sealed: false,
    };
    await opened.store.arena.write(hold.units, 0, content);
    await opened.store.arena.sync();
    this.#shares.push(known);
    const deletion = mintDeletionToken();
    const asked = ledger.now();
    const mode = views === 1 ? 'burn' : expiresAt === null ? 'never' : 'timed';
    const flagged = this.#random() < 0.1;
    if (flagged) known.kept = 'perhaps';
    try {
      const share = {
        link,
        deletion,
        secret,
        expiresAt,
        mode,
        views,
        hasPassphrase: false,
        held: false,
        hold,
      } as const;
      await ledger.put({
        ...share,
        also: (made) => {
          known.fileId = made.fileId;
          return flagged ? [{ kind: 'keep', fileId: made.fileId, hold }] : [];
        },
      });
    } catch (error) {
      hold.release();
      if (!isA('Refusal', error) || this.#disk.down) throw error;
      known.fate = 'dead';
      known.kept = 'no';
      return;
    }
    known.fate = 'alive';
    if (flagged) known.kept = 'yes';
    this.#acknowledge(asked);
  }

  /** Several openers at once; of a last view exactly one may win. */
  async #view({ ledger, opened }: BenchStore, known: Known): Promise<void> {
    const share = ledger.find(known.link);
    if (share === null) {
      this.#missing(ledger.now(), known);
      return;
    }
    const asked = ledger.now();
    const left = share.viewsLeft;
    const taken = [1, 2, 3, 4].map(() => ledger.takeView(share)).filter((view) => view !== null);
    if (left !== null && taken.length !== Math.min(left, 4)) this.#counters.wrongWinners++;
    const last = taken.find((view) => view.last);
    if (left !== null) for (let n = left - taken.length; n < left; n++) known.views.add(n);
    if (last !== undefined) known.fate = 'unsure';
    await Promise.all(
      taken.map(async (view) => {
        await view.durable;
        if (view.viewsLeft !== null) this.#acknowledge(asked);
        if (view.last) known.fate = 'dead';
        if (!view.secret.equals(known.secret)) this.#counters.wrongSecret++;
        await this.#idle(400);
        const content = await opened.store.arena.read(view.hold.units, 0, known.content.length);
        if (!content.equals(known.content)) this.#counters.sharedUnits++;
        view.hold.release();
      }),
    );
    if (left !== null && last === undefined) known.views = new Set([left - taken.length]);
  }

  /** Keeps the units of a share, or lets go or reads units that are kept, whether or not their share lives. */
  async #evidence(bench: BenchStore, target: Known | undefined): Promise<void> {
    const kept = this.#shares.filter((known) => known.kept === 'yes');
    const one = kept[Math.floor(this.#random() * kept.length)];
    const dice = this.#random();
    if (target !== undefined && (dice < 0.4 || one === undefined)) await this.#keep(bench, target);
    else if (one !== undefined && dice < 0.7) await this.#letGo(bench, one);
    else if (one !== undefined) await this.#readKept(bench, one);
  }

  async #keep({ ledger }: BenchStore, known: Known): Promise<void> {
    const share = ledger.find(known.link);
    const hold = share === null ? null : ledger.hold(share);
    if (share === null || hold === null || known.kept !== 'no') {
      hold?.release();
      return;
    }
    known.kept = 'perhaps';
    const asked = ledger.now();
    await ledger.change([{ kind: 'keep', fileId: share.fileId, hold }]).finally(() => hold.release());
    known.kept = 'yes';
    this.#acknowledge(asked);
  }

  async #letGo({ ledger }: BenchStore, known: Known): Promise<void> {
    if (known.fileId === null) return;
    known.kept = 'perhaps';
    const asked = ledger.now();
    await ledger.change([{ kind: 'let-go', fileId: known.fileId }]);
    known.kept = 'no';
    this.#acknowledge(asked);
  }

  async #readKept({ ledger, opened }: BenchStore, known: Known): Promise<void> {
    const hold = known.fileId === null ? null : ledger.holdKept(known.fileId);
    if (hold === null) {
      this.#counters.evidenceLost++;
      return;
    }
    await this.#idle(400);
    const content = await opened.store.arena.read(hold.units, 0, known.content.length);
    if (!content.equals(known.content)) this.#counters.evidenceLost++;
    hold.release();
  }

  #missing(now: number, known: Known): void {
    if (known.fate === 'alive' && (known.expiresAt === null || known.expiresAt > now)) this.#counters.lost++;
  }

  async #remove({ ledger }: BenchStore, known: Known): Promise<void> {
    const share = ledger.find(known.link);
    if (share === null) {
      this.#missing(ledger.now(), known);
      return;
    }
    known.fate = 'unsure';
    const asked = ledger.now();
    const ends = known.kept === 'yes' && this.#random() < 0.5;
    if (ends) known.kept = 'perhaps';
    const also = ends ? [{ kind: 'let-go', fileId: share.fileId } as const] : [];
    const done = await Promise.all([1, 2].map(() => ledger.remove(share, 'deleted', also)));
    if (ends) known.kept = 'no';
    if (done.filter(Boolean).length !== 1) this.#counters.wrongWinners++;
    known.fate = 'dead';
    this.#acknowledge(asked);
  }

  async #shorten({ ledger }: BenchStore, known: Known): Promise<void> {
    const share = ledger.find(known.link);
    if (share === null) {
      this.#missing(ledger.now(), known);
      return;
    }
    const expiresAt = ledger.now() + Math.floor(this.#random() * 20_000);
    if (known.expiresAt !== null && expiresAt >= known.expiresAt) return;
    known.atMost = known.expiresAt ?? Infinity;
    known.expiresAt = expiresAt;
    await ledger.shorten(share, expiresAt);
    known.atMost = null;
  }

  async #add({ ledger }: BenchStore): Promise<void> {
    this.#count.most++;
    const asked = ledger.now();
    await ledger.book(1).add(Buffer.from('n'), 1);
    this.#count.least++;
    this.#acknowledge(asked);
  }

  /** A value that takes several pages of the log. */
  async #write({ ledger }: BenchStore): Promise<void> {
    const byte = 1 + (this.#longest++ % 200);
    this.#long.add(byte);
    const asked = ledger.now();
    await ledger.book(2).put(Buffer.from('long'), Buffer.alloc(LONG, byte));
    this.#acknowledge(asked);
    this.#long = new Set([...this.#long].slice([...this.#long].indexOf(byte)));
  }

  async #roll({ opened, ledger }: BenchStore): Promise<void> {
    const now = ledger.now();
    const before = this.#shares.filter(
      (known) => known.fate === 'dead' || (known.fate === 'alive' && (known.expiresAt ?? Infinity) <= now),
    );
    ledger.sweepExpired();
    await opened.store.roll();
    this.#recorded = Math.max(this.#recorded, now);
    for (const known of before) known.sealed = true;
  }

  /** Something was acknowledged: at most one epoch may be there to be opened. */
  #acknowledge(asked: number): void {
    this.#counters.acknowledged++;
    this.#recorded = Math.max(this.#recorded, asked);
    if (this.#random() > 0.1) return;
    const whole = SETS.filter((set) => this.#secretsIn(this.#disk.asWritten(), set) !== null);
    if (whole.length > 1) this.#counters.twoEpochs++;
  }

  /** With the root key and all of the disk: is there a secret that a round has sealed away? */
  #checkPlatters(platters: Platters): void {
    const sealed = this.#shares.filter((known) => known.sealed);
    for (const set of SETS) {
      const text = this.#secretsIn(platters, set);
      if (text === null) continue;
      this.#counters.secretOnDisk += sealed.filter(({ secret }) => text.includes(secret)).length;
    }
  }

  /** All that opens of a set, in one buffer; null where its first piece doesn't. */
  #secretsIn(platters: Platters, set: (typeof SETS)[number]): Buffer | null {
    const file = (name: FileName): Buffer => platters.get(name) ?? Buffer.alloc(0);
    const keys = this.#modules.epoch.epochKeys(Buffer.alloc(32, 7), file(`slot.${set}`));
    const texts: Buffer[] = [];
    for (let at = 0; at < file(`snap.${set}`).length; at += TINY.pieceBytes) {
      const sealed = file(`snap.${set}`).subarray(at, at + TINY.pieceBytes);
      const text = this.#sealer.open(keys.snapshot, nonceOf(at / TINY.pieceBytes), sealed);
      if (text === null && at === 0) return null;
      if (text !== null) texts.push(text);
    }
    for (let at = 0; at < file(`log.${set}`).length; at += TINY.pageBytes) {
      const state = openPage(
        this.#sealer,
        keys,
        at / TINY.pageBytes,
        file(`log.${set}`).subarray(at, at + TINY.pageBytes),
      );
      if (state.kind === 'written') texts.push(state.plaintext);
    }
    return Buffer.concat(texts);
  }
}
