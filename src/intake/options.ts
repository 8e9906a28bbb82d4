/** What a sender chose, parsed from form fields or headers. Everything typed is checked here, once. */
import { Refusal } from '../base/errors.js';
import { DAY, HOUR, WEEK } from '../base/units.js';
import type { ShareMode } from '../ledger/ledger.js';

export const CAPTION_CHARACTERS = 200;
export const PASSPHRASE_CHARACTERS = 200;
export const MOST_VIEWS = 1000;
/** The longest timed choice without a Pro code; an unread burn link dies after it too. */
export const LONGEST = WEEK;
/** A shorter life than this helps nobody and looks like a mistake in the units. */
const SHORTEST = 60_000;

export interface Lifetime {
  readonly mode: ShareMode;
  /** Milliseconds from the moment of recording; null = never ends by time. */
  readonly duration: number | null;
  /** Null = not limited. */
  readonly views: number | null;
}

export interface ShareOptions {
  readonly lifetime: Lifetime;
  readonly caption: string;
  /** Null = none. */
  readonly passphrase: string | null;
  /** A Pro code, as typed; null = none. */
  readonly code: string | null;
  readonly hardScrub: boolean;
}

/** The choices as they come in: names of CONTRACT's form fields. Absent and empty mean the same. */
export type RawOptions = Readonly<
  Partial<Record<'expiry' | 'expires' | 'days' | 'views' | 'caption' | 'passphrase' | 'code' | 'scrub', string>>
>;

/**
 * Parses all options; `now` (milliseconds since 1970) is for `expires` given as a point in time. `proLongest` is how long a
 * share may live that comes with a Pro code: whether the code is good is the caller's to check.
 */
export function parseOptions(raw: RawOptions, now: number, proLongest = LONGEST): ShareOptions {
  const longest = raw.code?.trim() ? proLongest : LONGEST;
  return {
    lifetime: lifetimeOf(raw, now, longest),
    caption: parseCaption(raw.caption ?? ''),
    passphrase: parsePassphrase(raw.passphrase),
    code: raw.code?.trim() || null,
    hardScrub: parseScrub(raw.scrub),
  };
}

const CHOICES: Readonly<Record<string, Lifetime>> = {
  '1h': { mode: 'timed', duration: HOUR, views: null },
  '1d': { mode: 'timed', duration: DAY, views: null },
  '1w': { mode: 'timed', duration: WEEK, views: null },
  burn: { mode: 'burn', duration: LONGEST, views: 1 },
  never: { mode: 'never', duration: null, views: null },
};

function lifetimeOf(raw: RawOptions, now: number, longest: number): Lifetime {
  const views = parseViews(raw.views);
  const chosen = chosenLifetime(raw, now, longest);
  if (views === null) return chosen;
  if (chosen.mode !== 'burn') return { ...chosen, views };
  if (views !== 1) throw new Refusal('malformed', 'a burn link works once: leave views empty or 1', { field: 'views' });
  return chosen;
}

function chosenLifetime(raw: RawOptions, now: number, longest: number): Lifetime {
  if (raw.expiry === 'pro') {
    if (!raw.code?.trim()) throw new Refusal('malformed', 'expiry=pro needs a Pro code', { field: 'pro' });
    return { mode: 'timed', duration: longest, views: null };
  }
  if (raw.expiry) {
    const choice = CHOICES[raw.expiry];
    if (choice === undefined)
      throw new Refusal('malformed', 'expiry is 1h, 1d, 1w, burn or never', { field: 'expiry' });
    return choice;
  }
  if (raw.expires) return timed(expiresIn(raw.expires, now), 'expires', longest);
  if (raw.days) return timed(wholeNumber(raw.days, 'days') * DAY, 'days', longest);
  return { mode: 'timed', duration: DAY, views: null };
}

/** Hours, or a point in time in milliseconds since 1970: the habit of curl-able pastebins. */
function expiresIn(text: string, now: number): number {
  const value = wholeNumber(text, 'expires');
  return value > 1e9 ? value - now : value * HOUR;
}

function timed(duration: number, field: string, longest: number): Lifetime {
  if (duration < SHORTEST) throw new Refusal('malformed', `${field} lies in the past or is zero`, { field });
  return { mode: 'timed', duration: Math.min(duration, longest), views: null };
}

function parseViews(text: string | undefined): number | null {
  if (text === undefined || text.trim() === '') return null;
  const views = wholeNumber(text.trim(), 'views');
  if (views < 1 || views > MOST_VIEWS) {
    throw new Refusal('malformed', `views is a number from 1 to ${MOST_VIEWS}`, { field: 'views' });
  }
  return views;
}

function wholeNumber(text: string, field: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new Refusal('malformed', `${field} is a whole number`, { field });
  return Number(text);
}

/** Control characters have no place in a caption; line breaks become spaces, so that it stays one line everywhere. */
export function parseCaption(text: string): string {
  const caption = text
    .normalize('NFC')
    .replace(/[\r\n\t]+/g, ' ')
    .replace(/[\p{Cc}\p{Cs}\p{Co}\u202a-\u202e\u2066-\u2069]/gu, '')
    .trim();
  if (Array.from(caption).length > CAPTION_CHARACTERS) {
    throw new Refusal('malformed', `a caption has at most ${CAPTION_CHARACTERS} characters`, { field: 'caption' });
  }
  return caption;
}

function parsePassphrase(text: string | undefined): string | null {
  if (text === undefined || text === '') return null;
  if (Array.from(text).length > PASSPHRASE_CHARACTERS) {
    throw new Refusal('malformed', `a passphrase has at most ${PASSPHRASE_CHARACTERS} characters`, {
      field: 'passphrase',
    });
  }
  return text;
}

function parseScrub(text: string | undefined): boolean {
  if (text === undefined || text === '') return false;
  if (text !== 'hard') throw new Refusal('malformed', 'scrub is hard, or left out', { field: 'scrub' });
  return true;
}
