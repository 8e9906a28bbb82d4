/**
 * What stands between a flood and the forms, without JavaScript, cookies or pictures: a person types a word, a script waits.
 *
 * - A browser is asked for a word that stands in plain text on the page, so that a screen reader says it. The right word
 *   gives a pass, which goes along in the form.
 * - A script gets a ticket in the header `X-Challenge` of a 429, and sends it back after `Retry-After`. Tickets are dated one
 *   after the other, so that whoever takes a thousand waits for the thousandth.
 *
 * Both are sealed under a key of this process and kept nowhere: what is remembered is how often each of the last few
 * thousand was used. What does not hold: a program written against this site can read the word. It has to be written, and
 * then it still is bounded by the places for uploads; that is all that a page without scripts can do.
 *
 * By itself it goes on when limits turned several away within a minute, or letters come in a flood, and off a while after.
 */
import { MINUTE, SECOND, HOUR } from '../base/units.js';
import { NONCE_LENGTH, open, seal } from '../crypto/aead.js';
import { randomBelow, randomSecret } from '../crypto/random.js';
import { WORDS } from './open-words.js';

export type ChallengeMode = 'auto' | 'on' | 'off';

const KIND = { question: 1, pass: 2, ticket: 3 } as const;
type Kind = (typeof KIND)[keyof typeof KIND];

/** How long each is good from its date on, and how often: browsers send a form again by themselves. */
const GOOD_FOR: Readonly<Record<Kind, number>> = { 1: HOUR, 2: HOUR, 3: 10 * MINUTE };
const USES: Readonly<Record<Kind, number>> = { 1: 0, 2: 4, 3: 2 };
const MOST_REMEMBERED = 16_384;

/** Strains within a minute that switch it on, and how long it stays. */
const STRAINED = 8;
const STAYS_ON = 5 * MINUTE;

const SHORTEST_WAIT = 2 * SECOND;
const TICKET_EVERY = SECOND / 4;
const LONGEST_WAIT = 2 * MINUTE;

/** kind u8 ‖ word u8 ‖ date f64 ‖ id 8 */
const PLAIN_LENGTH = 18;
const ID_AT = 10;

export interface Question {
  readonly challenge: string;
  readonly word: string;
}

export interface Ticket {
  readonly ticket: string;
  /** Whole seconds until it is good. */
  readonly seconds: number;
}

export class Challenge {
  readonly #mode: ChallengeMode;
  readonly #monotonic: () => number;
  readonly #key = randomSecret(32);
  readonly #uses = new Map<string, number>();
  #strain = 0;
  #strainedAt = 0;
  #onUntil = -Infinity;
  #lastTicket = -Infinity;

  constructor(mode: ChallengeMode, monotonic: () => number) {
    this.#mode = mode;
    this.#monotonic = monotonic;
  }

  get active(): boolean {
    return this.#mode === 'on' || (this.#mode === 'auto' && this.#monotonic() < this.#onUntil);
  }

  /** A limit turned somebody away; `weight` is less than 1 for what only might be a flood. */
  strain(weight = 1): void {
    const now = this.#monotonic();
    this.#strain = Math.max(0, this.#strain - ((now - this.#strainedAt) * STRAINED) / MINUTE) + weight;
    this.#strainedAt = now;
    if (this.#strain >= STRAINED) this.#onUntil = now + STAYS_ON;
  }

  ask(): Question {
    const word = randomBelow(WORDS.length);
    return { challenge: this.#sealed(KIND.question, word, this.#monotonic()), word: WORDS[word] ?? '' };
  }

  /** The pass for a right word; null = it was wrong, or is too old. The same question gives the same pass. */
  answer(challenge: string, typed: string): string | null {
    const plain = this.#opened(challenge, KIND.question);
    if (plain === null || typed.trim().toLowerCase() !== WORDS[plain.readUInt8(1)]) return null;
    return this.#sealed(KIND.pass, 0, this.#monotonic(), plain.subarray(ID_AT));
  }

  /** Null = so many were given out that nobody should wait for another. */
  ticket(): Ticket | null {
    const now = this.#monotonic();
    const at = Math.max(now + SHORTEST_WAIT, this.#lastTicket + TICKET_EVERY);
    if (at - now > LONGEST_WAIT) return null;
    this.#lastTicket = at;
    return { ticket: this.#sealed(KIND.ticket, 0, at), seconds: Math.ceil((at - now) / SECOND) };
  }

  /** Uses a pass or a ticket up by one. False = it is none, not good yet, too old, or was used too often. */
  spend(text: string): boolean {
    const plain = this.#opened(text, KIND.pass) ?? this.#opened(text, KIND.ticket);
    if (plain === null) return false;
    const id = plain.toString('latin1', ID_AT);
    const used = this.#uses.get(id) ?? 0;
    if (used >= USES[plain.readUInt8(0) as Kind]) return false;
    this.#uses.delete(id);
    this.#uses.set(id, used + 1);
    const [oldest] = this.#uses.keys();
    if (this.#uses.size > MOST_REMEMBERED && oldest !== undefined) this.#uses.delete(oldest);
    return true;
  }

  #sealed(kind: Kind, word: number, at: number, id: Buffer = randomSecret(PLAIN_LENGTH - ID_AT)): string {
    const plain = Buffer.alloc(PLAIN_LENGTH);
    plain.writeUInt8(kind, 0);
    plain.writeUInt8(word, 1);
    plain.writeDoubleBE(at, 2);
    id.copy(plain, ID_AT);
    const nonce = randomSecret(NONCE_LENGTH);
    return Buffer.concat([nonce, seal(this.#key, nonce, plain)]).toString('base64url');
  }

  #opened(text: string, kind: Kind): Buffer | null {
    if (text.length < 40 || text.length > 80) return null;
    const sealed = Buffer.from(text, 'base64url');
    const plain = open(this.#key, sealed.subarray(0, NONCE_LENGTH), sealed.subarray(NONCE_LENGTH));
    if (plain?.readUInt8(0) !== kind) return null;
    const age = this.#monotonic() - plain.readDoubleBE(2);
    return age >= 0 && age <= GOOD_FOR[kind] ? plain : null;
  }
}
