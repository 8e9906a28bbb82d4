/**
 * SIGKILL at random under load, over real HTTP, with an oracle outside the process.
 *
 * The oracle knows what was acknowledged. An upload answered 201 must be readable in every later life until someone ends it;
 * a deletion or burn that was answered, or of which a byte came, must never be readable again; what was in flight at the
 * kill may be either, but must then stay what it is. In each life every share that must be there is looked at, and every
 * one that went since the last; each tenth life, and at the end, all that ever went.
 *
 * CHATPIC_KILL_LIVES sets how many lives there are, CHATPIC_KILL_ACKNOWLEDGED how much must be acknowledged in all.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'tap';
import { parseShared, type Shared } from '../stories/appliance.js';
import { startProcess, type Life } from './process.js';

const LIVES = Number(process.env['CHATPIC_KILL_LIVES'] ?? 50);
const ACKNOWLEDGED = Number(process.env['CHATPIC_KILL_ACKNOWLEDGED'] ?? LIVES * 5);
/** Of each five lives four come to work. */
const LEAST_A_LIFE = ACKNOWLEDGED / (0.8 * LIVES);
const LOADERS = 8;
/** The store has room for three times as many. */
const MOST_LIVE = 300;

interface Kept extends Shared {
  readonly note: string;
  readonly burn: boolean;
}

interface Oracle {
  /** Acknowledged and never touched again: must be there. */
  readonly live: Map<string, Kept>;
  /** Ended, and someone was told so: must be gone. */
  readonly gone: Map<string, Kept>;
  /** Of those, the ones that went since they were last looked at. */
  readonly justGone: Map<string, Kept>;
  /** Being ended when the process died: either, and then for good. */
  readonly doubtful: Map<string, Kept>;
  acknowledged: number;
  lost: number;
  back: number;
  wrong: number;
}

/** Deterministic choice of when to kill: a failure can be told again by its seed. */
function random(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

async function share(base: string, oracle: Oracle): Promise<void> {
  const note = randomBytes(24).toString('hex');
  const burn = note.charCodeAt(0) % 2 === 0;
  const body = new URLSearchParams({ note, expiry: burn ? 'burn' : '1d' });
  const response = await fetch(`${base}/`, { method: 'POST', body });
  const text = await response.text();
  if (response.status !== 201) return;
  const shared = { ...parseShared(text), note, burn };
  oracle.live.set(shared.token, shared);
  oracle.acknowledged++;
}

/** Opens or deletes one; doubtful from before the request leaves until it is answered. */
async function end(base: string, oracle: Oracle): Promise<void> {
  const kept = oracle.live.values().next().value;
  if (kept === undefined) return;
  oracle.live.delete(kept.token);
  oracle.doubtful.set(kept.token, kept);
  const target = kept.burn ? `${base}/file/${kept.token}` : `${base}/delete/${kept.deleteToken}`;
  const response = await fetch(target, { method: kept.burn ? 'POST' : 'DELETE' });
  // The answer began: from here on it is gone, whatever becomes of the rest of the answer.
  if (response.status !== 200) return;
  oracle.doubtful.delete(kept.token);
  oracle.gone.set(kept.token, kept);
  oracle.justGone.set(kept.token, kept);
  oracle.acknowledged++;
  const text = await response.text();
  if (kept.burn && text !== kept.note) oracle.wrong++;
}

async function load(base: string, oracle: Oracle, isOver: () => boolean): Promise<void> {
  for (let step = 0; !isOver(); step++) {
    const many = oracle.live.size > MOST_LIVE;
    await (many || step % 3 === 2 ? end(base, oracle) : share(base, oracle)).catch(() => undefined);
  }
}

async function isThere(base: string, { token, note, burn }: Kept): Promise<boolean> {
  const response = await fetch(`${base}/file/${token}`);
  const text = await response.text();
  if (burn) return response.status === 409;
  return response.status === 200 && text === note;
}

/** Looks at all of `some`, a few at a time, and counts those that are not as they must be. */
async function countWrong(base: string, some: Iterable<Kept>, mustBeThere: boolean): Promise<number> {
  const waiting = [...some];
  let wrong = 0;
  const look = async (): Promise<void> => {
    for (let kept = waiting.pop(); kept !== undefined; kept = waiting.pop())
      if ((await isThere(base, kept)) !== mustBeThere) wrong++;
  };
  await Promise.all(Array.from({ length: LOADERS }, look));
  return wrong;
}

/** Holds the new life against what is known. */
async function compare(base: string, oracle: Oracle, allThatWent: boolean): Promise<void> {
  for (const kept of oracle.doubtful.values()) {
    if (await isThere(base, kept)) oracle.live.set(kept.token, kept);
    else oracle.gone.set(kept.token, kept);
  }
  oracle.doubtful.clear();
  oracle.lost += await countWrong(base, oracle.live.values(), true);
  oracle.back += await countWrong(base, (allThatWent ? oracle.gone : oracle.justGone).values(), false);
  oracle.justGone.clear();
}

test.test(
  `killed ${LIVES} times under load, starts and rounds included: nothing acknowledged is lost, nothing shredded comes back`,
  { timeout: 10_000 * LIVES + 600_000 },
  async (t) => {
    const dir = await mkdtemp(path.join(tmpdir(), 'chatpic-kill-'));
    t.teardown(() => rm(dir, { recursive: true, force: true }));
    const settings = {
      CHATPIC_DATA_DIR: path.join(dir, 'var'),
      CHATPIC_LISTEN: '127.0.0.1:0',
      CHATPIC_STORE_MB: '256',
      CHATPIC_ROLL_SECONDS: '1',
    };
    const next = random(20261124);
    const oracle: Oracle = {
      live: new Map(),
      gone: new Map(),
      justGone: new Map(),
      doubtful: new Map(),
      acknowledged: 0,
      lost: 0,
      back: 0,
      wrong: 0,
    };
    let killedInStart = 0;
    for (let life = 0; life < LIVES; life++) {
      const running: Life = startProcess(settings);
      // Every fifth life dies while it starts; the first may not, or there would be no store yet to speak of.
      if (life > 0 && life % 5 === 0) {
        await new Promise((resolve) => setTimeout(resolve, 150 + next() * 500));
        await running.kill();
        killedInStart++;
        continue;
      }
      const base = await running.ready;
      await compare(base, oracle, life % 10 === 9);
      let over = false;
      const enough = oracle.acknowledged + 2 * next() * LEAST_A_LIFE;
      const loaders = Array.from({ length: LOADERS }, () => load(base, oracle, () => over));
      await new Promise((resolve) => setTimeout(resolve, 100 + next() * 1200));
      for (let waited = 0; oracle.acknowledged < enough && waited < 60_000; waited += 5)
        await new Promise((resolve) => setTimeout(resolve, 5));
      await running.kill();
      over = true;
      await Promise.all(loaders);
    }
    const last = startProcess(settings);
    const base = await last.ready;
    await compare(base, oracle, true);
    t.equal(await last.stop(), 0, 'and it closes cleanly');
    t.comment(
      `${LIVES} lives, ${killedInStart} killed in their start, ${oracle.acknowledged} acknowledged, ` +
        `${oracle.live.size} live at the end, ${oracle.gone.size} gone, ${oracle.lost} lost, ${oracle.back} back`,
    );
    t.ok(oracle.acknowledged >= 0.9 * ACKNOWLEDGED, 'there was load');
    t.equal(oracle.lost, 0, 'lost');
    t.equal(oracle.back, 0, 'back');
    t.equal(oracle.wrong, 0, 'other bytes than were sent');
  },
);
