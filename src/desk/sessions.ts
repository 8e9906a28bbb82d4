/**
 * Who is signed in, and the staff's private key while they are.
 *
 * What holds: a session ends after 15 idle minutes, at sign-out, and when its account is given another passphrase or taken
 * away; at its end the key and everything opened with it are wiped. Its cookie and the token that its forms bear are drawn
 * at random for each sign-in, and compared in constant time. Nothing of it is on a disk: a desk that is started anew knows
 * nobody.
 */
import { wipe } from '../base/bytes.js';
import { MINUTE } from '../base/units.js';
import { equalBytes, sha256 } from '../crypto/hash.js';
import { ALPHANUMERIC, randomToken } from '../crypto/random.js';
import type { OpenedItem } from './evidence.js';

export const IDLE_TIME = 15 * MINUTE;
/** Sessions at a time; when one more signs in, the one that was idle longest ends. */
const MOST_SESSIONS = 64;
/** Flagged shares that one session has open; when one more is opened, the oldest is closed. */
const MOST_OPENED = 8;
/** 22 characters of 62: 130 bits. */
const TOKEN_LENGTH = 22;

export class Session {
  readonly name: string;
  /** The staff's private key; zeros once the session has ended. Only read by others. */
  readonly privateKey: Buffer;
  readonly #formToken = randomToken(TOKEN_LENGTH, ALPHANUMERIC);
  readonly #opened = new Map<string, OpenedItem>();
  /** What was done, to be said on the next page. */
  #word: string | null = null;
  #ended = false;

  /** Takes the key over. */
  constructor(name: string, privateKey: Buffer) {
    this.name = name;
    this.privateKey = privateKey;
  }

  /** What each form of this session bears. */
  get formToken(): string {
    return this.#formToken;
  }

  bears(token: string): boolean {
    return equalBytes(sha256(token), sha256(this.#formToken));
  }

  say(word: string): void {
    this.#word = word;
  }

  takeWord(): string | null {
    const word = this.#word;
    this.#word = null;
    return word;
  }

  opened(fileId: string): OpenedItem | null {
    return this.#opened.get(fileId) ?? null;
  }

  /** Keeps what was opened, and returns it; one that was opened in another tab meanwhile stays instead. */
  keepOpen(fileId: string, item: OpenedItem): OpenedItem {
    const before = this.#opened.get(fileId);
    if (before !== undefined || this.#ended) {
      item.close();
      return before ?? item;
    }
    this.#opened.set(fileId, item);
    for (const oldest of [...this.#opened.keys()].slice(0, -MOST_OPENED)) this.close(oldest);
    return item;
  }

  close(fileId: string): void {
    this.#opened.get(fileId)?.close();
    this.#opened.delete(fileId);
  }

  end(): void {
    this.#ended = true;
    for (const fileId of [...this.#opened.keys()]) this.close(fileId);
    wipe(this.privateKey);
  }
}

interface Entry {
  readonly session: Session;
  seen: number;
}

export class Sessions {
  /** By the hash of the cookie, so that finding one takes no longer for a cookie that is nearly right. */
  readonly #entries = new Map<string, Entry>();
  readonly #monotonic: () => number;
  readonly #onEnd: (name: string) => void;

  /** `onEnd` is told when somebody's last session has ended. */
  constructor(monotonic: () => number, onEnd: (name: string) => void) {
    this.#monotonic = monotonic;
    this.#onEnd = onEnd;
  }

  /** Begins a session; takes the key over. Returns what its cookie holds. */
  begin(name: string, privateKey: Buffer): string {
    const cookie = randomToken(TOKEN_LENGTH, ALPHANUMERIC);
    this.#entries.set(placeOf(cookie), { session: new Session(name, privateKey), seen: this.#monotonic() });
    for (const oldest of this.#byIdleness().slice(MOST_SESSIONS)) this.#end(oldest);
    return cookie;
  }

  /** The session of a cookie, which is not idle then. */
  find(cookie: string): Session | null {
    this.sweep();
    const entry = this.#entries.get(placeOf(cookie));
    if (entry === undefined) return null;
    entry.seen = this.#monotonic();
    return entry.session;
  }

  end(session: Session): void {
    for (const [place, entry] of this.#entries) if (entry.session === session) this.#end(place);
  }

  /** Ends every session of an account. */
  endAllOf(name: string): void {
    for (const [place, { session }] of this.#entries) if (session.name === name) this.#end(place);
  }

  /** Closes a flagged share wherever it is open. */
  closeItem(fileId: string): void {
    for (const { session } of this.#entries.values()) session.close(fileId);
  }

  /** Ends those that were idle for too long. Called every few seconds too, since a key must not wait for a request. */
  sweep(): void {
    const now = this.#monotonic();
    for (const [place, { seen }] of this.#entries) if (now - seen >= IDLE_TIME) this.#end(place);
  }

  endAll(): void {
    for (const place of [...this.#entries.keys()]) this.#end(place);
  }

  #end(place: string): void {
    const entry = this.#entries.get(place);
    if (entry === undefined) return;
    this.#entries.delete(place);
    entry.session.end();
    const { name } = entry.session;
    if (![...this.#entries.values()].some(({ session }) => session.name === name)) this.#onEnd(name);
  }

  /** Those that were seen last come first. */
  #byIdleness(): string[] {
    return [...this.#entries].sort(([, a], [, b]) => b.seen - a.seen).map(([place]) => place);
  }
}

function placeOf(cookie: string): string {
  return sha256(cookie).toString('hex');
}
