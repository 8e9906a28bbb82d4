/**
 * One share, not two, where a browser sends its form again: after a reset connection, a double click, a reload.
 *
 * The answer to a form is its receipt, and the receipt is kept nowhere. What is kept, in memory and for ten minutes, is
 * the pair of tokens sealed under a key that only the upload ID derives, filed under a hash of the ID and of what was
 * sent. The same ID with the same content and choices gets the same receipt; with anything else it makes a new share.
 * Without the ID, which the browser has and the appliance forgets, nothing here opens.
 */
import { secretBytes, wipe } from '../base/bytes.js';
import { MINUTE } from '../base/units.js';
import { NONCE_LENGTH, open, seal } from '../crypto/aead.js';
import { sha256 } from '../crypto/hash.js';
import { hkdf } from '../crypto/kdf.js';
import { LABEL } from '../crypto/labels.js';
import { randomSecret } from '../crypto/random.js';
import { parseDeletionToken, parseLinkToken, type DeletionToken, type LinkToken } from '../ledger/tokens.js';
import type { UploadId } from './progress.js';

export interface Tokens {
  readonly link: LinkToken;
  readonly deletion: DeletionToken;
}

const REMEMBERED = 10 * MINUTE;
const MOST = 1024;
const LINK_LENGTH = 16;

interface Entry {
  readonly until: number;
  /** Resolves with the sealed tokens, or null where the first try failed. */
  readonly sealed: Promise<Buffer | null>;
}

export class Repeats {
  readonly #entries = new Map<string, Entry>();
  readonly #monotonic: () => number;

  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
  }

  /**
   * Runs `record` unless the same upload was recorded already or is being recorded; then resolves with the tokens of that
   * one. `fingerprint` is what was sent, items and choices. `isLive` says whether a share still stands: a form that is
   * sent again after its share died makes a new one.
   */
  async once(
    id: UploadId,
    fingerprint: readonly string[],
    isLive: (link: LinkToken) => boolean,
    record: () => Promise<Tokens>,
  ): Promise<{ readonly tokens: Tokens; readonly repeated: boolean }> {
    this.#forget();
    const key = hkdf(
      Buffer.from(id, 'latin1'),
      sha256(...fingerprint.map((part) => `${part.length}:${part}`)),
      LABEL.repeat,
    );
    try {
      const name = sha256('name', key).toString('base64');
      for (let entry = this.#entries.get(name); entry !== undefined; entry = this.#entries.get(name)) {
        const earlier = await tokensOf(entry, key);
        if (earlier !== null && isLive(earlier.link)) return { tokens: earlier, repeated: true };
        if (this.#entries.get(name) === entry) this.#entries.delete(name);
      }
      // From the last look to the new entry nothing is awaited: of two at once, one records.
      const recorded = record();
      const sealed = recorded.then((tokens) => sealTokens(key, tokens)).catch(() => null);
      this.#entries.set(name, { until: this.#monotonic() + REMEMBERED, sealed });
      const tokens = await recorded;
      await sealed;
      return { tokens, repeated: false };
    } finally {
      wipe(key);
    }
  }

  #forget(): void {
    const now = this.#monotonic();
    for (const [name, { until }] of this.#entries) {
      if (until > now && this.#entries.size <= MOST) break;
      this.#entries.delete(name);
    }
  }
}

/** Tokens of an upload, once it is recorded; null where it failed. */
async function tokensOf(entry: Entry, key: Buffer): Promise<Tokens | null> {
  const sealed = await entry.sealed;
  return sealed === null ? null : openTokens(key, sealed);
}

/** nonce(12) ‖ sealed tokens: a share that died may be followed by another under the same key. */
function sealTokens(key: Buffer, { link, deletion }: Tokens): Buffer {
  const plaintext = secretBytes(link.length + deletion.length);
  plaintext.write(link, 0, 'latin1');
  plaintext.write(deletion, LINK_LENGTH, 'latin1');
  const nonce = randomSecret(NONCE_LENGTH);
  const sealed = Buffer.concat([nonce, seal(key, nonce, plaintext)]);
  wipe(plaintext);
  return sealed;
}

function openTokens(key: Buffer, sealed: Buffer): Tokens | null {
  const plaintext = open(key, sealed.subarray(0, NONCE_LENGTH), sealed.subarray(NONCE_LENGTH));
  if (plaintext === null) return null;
  const link = parseLinkToken(plaintext.toString('latin1', 0, LINK_LENGTH));
  const deletion = parseDeletionToken(plaintext.toString('latin1', LINK_LENGTH));
  wipe(plaintext);
  return link === null || deletion === null ? null : { link, deletion };
}
