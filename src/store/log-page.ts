/**
 * Pages of the log: encode and parse (docs/format/store.md, "Log").
 *
 * A page that was not written is sealed too, under another key, so a lost tail shows and one torn page is told from
 * damage. This file knows the layout of a page; which pages may follow which is `log.ts`.
 */
import { giveBack, secretBytes, wipe } from '../base/bytes.js';
import { Reader, Writer } from '../base/cursor.js';
import { TAG_LENGTH } from '../crypto/aead.js';
import { nonceOf, type EpochKeys } from './epoch.js';
import type { Sealer } from './sealer.js';

const KIND = { mark: 1, entries: 2, part: 3, lastPart: 4 } as const;
const CLOCK_BYTES = 8;
const HEAD_BYTES = CLOCK_BYTES + 1;
const LENGTH_BYTES = 2;

/** What a page says. `bytes` are views into the page's plaintext, which the caller wipes. */
export type Page =
  | { readonly kind: 'mark'; readonly clock: number; readonly epoch: number }
  | { readonly kind: 'entries'; readonly clock: number; readonly entries: readonly Buffer[] }
  | { readonly kind: 'part'; readonly clock: number; readonly bytes: Buffer; readonly last: boolean };

/** What stands at a page's place in the file. `torn` opens under neither key. */
export type PageState =
  | { readonly kind: 'written'; readonly page: Page; readonly plaintext: Buffer }
  | { readonly kind: 'blank' }
  | { readonly kind: 'torn' };

export function plainBytesOf(pageBytes: number): number {
  return pageBytes - TAG_LENGTH;
}

/** Bytes of an entry that still fit a page of its own. */
export function longestWhole(pageBytes: number): number {
  return plainBytesOf(pageBytes) - HEAD_BYTES - LENGTH_BYTES;
}

/** What an entry of `length` bytes takes of a page that it shares. */
export function shareOfPage(length: number): number {
  return LENGTH_BYTES + length;
}

/** What entries may take of a page together. */
export function roomOfPage(pageBytes: number): number {
  return plainBytesOf(pageBytes) - HEAD_BYTES;
}

/** The plaintext of a page. The caller seals and wipes it. */
export function encodePage(pageBytes: number, page: Page): Buffer {
  const plaintext = secretBytes(plainBytesOf(pageBytes));
  const out = new Writer(plaintext).u64(page.clock);
  switch (page.kind) {
    case 'mark':
      out.u8(KIND.mark).u64(page.epoch);
      break;
    case 'entries':
      out.u8(KIND.entries);
      for (const entry of page.entries) out.u16(entry.length).bytes(entry);
      break;
    case 'part':
      out
        .u8(page.last ? KIND.lastPart : KIND.part)
        .u16(page.bytes.length)
        .bytes(page.bytes);
      break;
  }
  return plaintext;
}

/** Null = not a page of this version. */
export function parsePage(plaintext: Buffer): Page | null {
  const from = new Reader(plaintext);
  const clock = from.u64();
  const kind = from.u8();
  switch (kind) {
    case KIND.mark:
      return { kind: 'mark', clock, epoch: from.u64() };
    case KIND.entries:
      return { kind: 'entries', clock, entries: parseEntries(from) };
    case KIND.part:
    case KIND.lastPart:
      return { kind: 'part', clock, bytes: from.bytes(from.u16()), last: kind === KIND.lastPart };
    default:
      return null;
  }
}

function parseEntries(from: Reader): Buffer[] {
  const entries: Buffer[] = [];
  while (from.remaining >= LENGTH_BYTES) {
    const length = from.u16();
    if (length === 0) break;
    entries.push(from.bytes(length));
  }
  return entries;
}

/** Encodes, seals and wipes. `index` is the nonce: never twice in an epoch. */
export function sealPage(sealer: Sealer, keys: EpochKeys, pageBytes: number, index: number, page: Page): Buffer {
  const plaintext = encodePage(pageBytes, page);
  try {
    return sealer.seal(keys.log, nonceOf(index), plaintext);
  } finally {
    wipe(plaintext);
  }
}

export function sealBlank(sealer: Sealer, keys: EpochKeys, pageBytes: number, index: number): Buffer {
  const zeros = secretBytes(plainBytesOf(pageBytes));
  const sealed = sealer.seal(keys.blank, nonceOf(index), zeros);
  giveBack(zeros);
  return sealed;
}

export function openPage(sealer: Sealer, keys: EpochKeys, index: number, sealed: Uint8Array): PageState {
  const nonce = nonceOf(index);
  const plaintext = sealer.open(keys.log, nonce, sealed);
  if (plaintext !== null) {
    const page = parsePage(plaintext);
    return page === null ? { kind: 'torn' } : { kind: 'written', page, plaintext };
  }
  const blank = sealer.open(keys.blank, nonce, sealed);
  if (blank === null) return { kind: 'torn' };
  giveBack(blank);
  return { kind: 'blank' };
}
