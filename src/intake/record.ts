/**
 * The stages that seal and record: what was reviewed becomes a share, and the sender's receipt. The receipt exists only after
 * the ledger's promise resolved, and is kept nowhere.
 */
import { wipe } from '../base/bytes.js';
import { Refusal } from '../base/errors.js';
import { ALPHANUMERIC, randomSecret, randomToken } from '../crypto/random.js';
import { deriveShareKey, SHARE_SECRET_LENGTH } from '../crypto/share-key.js';
import type { Ledger, NewShare, Share, ShareMode } from '../ledger/ledger.js';
import { parseDeletionToken, parseLinkToken, type LinkToken } from '../ledger/tokens.js';
import type { Moderation } from '../moderation/moderation.js';
import type { Arena } from '../store/arena.js';
import type { ShareOptions } from './options.js';
import { Repeats, type Tokens } from './repeats.js';
import { sealShare, type Sealed } from './seal.js';
import type { Doubt, Receipt, Reviewed, Scrubbed, Upload } from './upload.js';

export interface RecorderParts {
  readonly arena: Arena;
  readonly ledger: Ledger;
  readonly moderation: Moderation;
  /** Milliseconds that only go forward. */
  readonly monotonic: () => number;
  /** Whether what is borderline waits for a human, or is shared until one has looked. */
  readonly holdBorderline: boolean;
  /** Links that never expire may own this part of the store, 0 to 0.3, so that others still find room. */
  readonly neverShare: number;
}

export class Recorder {
  readonly #parts: RecorderParts;
  readonly #repeats: Repeats;
  /** Units of links that never expire, which are being recorded: the ledger counts them when they are. */
  #becomingNever = 0;

  constructor(parts: RecorderParts) {
    this.#parts = parts;
    this.#repeats = new Repeats(parts.monotonic);
  }

  /** Resolves when the share is durable. On failure nothing of it is kept. */
  async record(upload: Upload, { items, doubt }: Reviewed): Promise<Receipt> {
    const tokens = mintTokens();
    const secret = randomSecret(SHARE_SECRET_LENGTH);
    try {
      const sealed = await this.#seal(upload.options, tokens.link, secret, items);
      const { recorded, share } = await this.#once(upload, tokens, secret, sealed, doubt);
      return {
        ...recorded,
        share,
        caption: upload.options.caption,
        items: items.map((item, index) => ({
          name: item.name,
          type: item.type,
          size: item.source.size,
          sha256: sealed.hashes[index] ?? '',
          removed: item.removed,
          scrubbed: item.type !== 'application/octet-stream',
          source: item.source,
          preview: item.preview,
        })),
      };
    } finally {
      wipe(secret);
    }
  }

  async #seal(options: ShareOptions, link: LinkToken, secret: Buffer, items: readonly Scrubbed[]): Promise<Sealed> {
    const key = await deriveShareKey(link, options.passphrase, secret);
    try {
      return await sealShare(this.#parts.arena, key, options.caption, items);
    } finally {
      wipe(key);
    }
  }

  /** Records the share, or finds that this very upload was recorded a moment ago and gives its units back. */
  async #once(
    upload: Upload,
    tokens: Tokens,
    secret: Buffer,
    sealed: Sealed,
    doubt: Doubt | null,
  ): Promise<{ recorded: Tokens; share: Share }> {
    const { ledger } = this.#parts;
    const record = async (): Promise<Tokens> => {
      await this.#put(upload.options, tokens, secret, sealed, doubt);
      return tokens;
    };
    try {
      const recorded =
        upload.id === null
          ? await record()
          : (
              await this.#repeats.once(
                upload.id,
                fingerprint(upload, sealed),
                (link) => ledger.find(link) !== null,
                record,
              )
            ).tokens;
      const share = ledger.find(recorded.link);
      if (share === null) throw new Refusal('gone', 'the link is gone already');
      return { recorded, share };
    } finally {
      // Released twice does nothing, and a hold that the ledger took is the ledger's.
      sealed.hold.release();
    }
  }

  async #put(
    { lifetime, passphrase }: ShareOptions,
    tokens: Tokens,
    secret: Buffer,
    { hold }: Sealed,
    doubt: Doubt | null,
  ): Promise<void> {
    const { ledger, moderation, holdBorderline } = this.#parts;
    const { mode, duration, views } = lifetime;
    const expiresAt = duration === null ? null : ledger.now() + duration;
    const share = { ...tokens, secret, expiresAt, mode, views, hasPassphrase: passphrase !== null, hold };
    const put = (held: boolean, also?: NewShare['also']): Promise<Share> =>
      this.#within(mode, hold.units.length, () =>
        ledger.put({ ...share, held, ...(also === undefined ? {} : { also }) }),
      );
    if (doubt === null) {
      await put(false);
      return;
    }
    const key = await deriveShareKey(tokens.link, passphrase, secret);
    try {
      await moderation.doubt({
        verdict: doubt,
        held: holdBorderline,
        offer: { key, hold },
        put: (also) => put(holdBorderline, also),
      });
    } finally {
      wipe(key);
    }
  }

  /** Makes a share of `units` units; links that never expire only within their part of the store. */
  async #within<T>(mode: ShareMode, units: number, make: () => Promise<T>): Promise<T> {
    if (mode !== 'never') return make();
    const { arena, ledger, neverShare } = this.#parts;
    if (ledger.unitsOf('never') + this.#becomingNever + units > neverShare * arena.capacity().total) {
      throw new Refusal('store-full', 'no room for links that never expire', { choice: 'never', bound: 'never' });
    }
    this.#becomingNever += units;
    try {
      return await make();
    } finally {
      this.#becomingNever -= units;
    }
  }
}

/** What makes two uploads the same one: every byte that is shared and every choice. */
function fingerprint({ options }: Upload, { hashes }: Sealed): string[] {
  const { lifetime, caption, passphrase, hardScrub } = options;
  return [
    ...hashes,
    lifetime.mode,
    String(lifetime.duration),
    String(lifetime.views),
    caption,
    passphrase ?? '',
    String(hardScrub),
  ];
}

function mintTokens(): Tokens {
  const link = parseLinkToken(randomToken(16, ALPHANUMERIC));
  const deletion = parseDeletionToken(randomToken(24, ALPHANUMERIC));
  if (link === null || deletion === null) throw new Error('a minted token does not parse');
  return { link, deletion };
}
