/**
 * The way in: receive → sniff → scrub → review → seal → record → receipt.
 *
 * Each stage takes only what the stage before it makes, so that no step can be skipped: `Sniffed`, `Scrubbed` and
 * `Reviewed` are minted here and nowhere else. Receiving is `spool.ts` and its callers. What holds: nothing of an upload
 * is left when any stage refuses or fails, and a receipt exists only after the ledger's promise resolved.
 */
import type { Brand } from '../base/brand.js';
import { wipe } from '../base/bytes.js';
import { Refusal } from '../base/errors.js';
import { bufferSource, type ByteSource } from '../base/source.js';
import { ALPHANUMERIC, randomSecret, randomToken } from '../crypto/random.js';
import { deriveShareKey, SHARE_SECRET_LENGTH } from '../crypto/share-key.js';
import type { Ledger, Share } from '../ledger/ledger.js';
import { parseDeletionToken, parseLinkToken, type DeletionToken, type LinkToken } from '../ledger/tokens.js';
import type { Decoder } from '../media/decoder/decoder.js';
import { isPicture, type MediaType, type PictureType } from '../media/media-type.js';
import type { Removed } from '../media/removed.js';
import { proveClean, scrub } from '../media/scrubber.js';
import { sniff } from '../media/sniff.js';
import type { Arena } from '../store/arena.js';
import { safeName } from './names.js';
import type { ShareOptions } from './options.js';
import type { ProgressReport, UploadId } from './progress.js';
import { Repeats, type Tokens } from './repeats.js';
import { sealShare, type SealItem, type Sealed } from './seal.js';

/** One file as it was received. The pipeline's caller releases it. */
export interface Received {
  /** The name that the client gave: a wish. */
  readonly wish: string;
  readonly source: ByteSource;
  /** Text typed into a form is a note whatever it looks like. */
  readonly typed: boolean;
}

export interface Upload {
  readonly items: readonly Received[];
  readonly options: ShareOptions;
  /** Comes with a browser's form; null for scripts. */
  readonly id: UploadId | null;
  readonly progress: ProgressReport;
}

/** What the sender is told, once. It is kept nowhere. */
export interface Receipt {
  readonly link: LinkToken;
  readonly deletion: DeletionToken;
  readonly share: Share;
  readonly caption: string;
  readonly items: readonly ReceiptItem[];
}

export interface ReceiptItem {
  readonly name: string;
  readonly type: MediaType;
  readonly size: number;
  readonly sha256: string;
  readonly removed: Removed;
  /** False where metadata was left as it was: any-file mode. */
  readonly scrubbed: boolean;
  /** What is shared; readable until the upload is released. */
  readonly source: ByteSource;
  /** A smaller rendering, where there is one. */
  readonly preview: SealItem['preview'];
}

type Sniffed = Brand<{ readonly received: Received; readonly type: MediaType }, 'Sniffed'>;
type Scrubbed = Brand<SealItem & { readonly removed: Removed }, 'Scrubbed'>;

export interface PipelineParts {
  readonly arena: Arena;
  readonly ledger: Ledger;
  readonly decoder: Decoder;
  /** Milliseconds that only go forward. */
  readonly monotonic: () => number;
  readonly anyFile: boolean;
}

/** Long side of a preview, in pixels. */
const PREVIEW_SIDE = 640;
/** A picture of no more bytes is its own preview. */
const OWN_PREVIEW_BYTES = 48 * 1024;
/** Links that never expire may own this part of the store, so that others still find room. */
const NEVER_SHARE = 0.3;

export class Pipeline {
  readonly #parts: PipelineParts;
  readonly #repeats: Repeats;

  constructor(parts: PipelineParts) {
    this.#parts = parts;
    this.#repeats = new Repeats(parts.monotonic);
  }

  /** Takes an upload the whole way. Refuses with a reason; then nothing of it is kept. */
  async share(upload: Upload): Promise<Receipt> {
    if (upload.items.length === 0) throw new Refusal('empty', 'nothing was sent');
    const scrubbed: Scrubbed[] = [];
    for (const received of upload.items) {
      upload.progress.stage('checking');
      const sniffed = await this.#sniff(received);
      upload.progress.stage('scrubbing');
      scrubbed.push(await this.#scrub(sniffed, upload.options.hardScrub));
    }
    upload.progress.stage('sealing');
    return this.#record(upload, scrubbed);
  }

  async #sniff(received: Received): Promise<Sniffed> {
    const sniffed = (type: MediaType): Sniffed => ({ received, type }) as Sniffed;
    if (received.source.size === 0) throw new Refusal('empty', 'the file is empty');
    if (received.typed) return sniffed('text/plain');
    const found = await sniff(received.source);
    if (found.kind === 'supported') return sniffed(found.type);
    if (this.#parts.anyFile) return sniffed('application/octet-stream');
    throw new Refusal('type-not-supported', 'this type of file is not supported', { seems: found.seems });
  }

  async #scrub({ received, type }: Sniffed, hard: boolean): Promise<Scrubbed> {
    const clean = await cleaned(received.source, type);
    const { width, height, removed, source } = clean;
    const name = safeName(received.wish, type);
    const item = { name, type, source, removed, width: width ?? 0, height: height ?? 0, preview: null };
    if (isPicture(type)) return { ...item, ...(await this.#decoded(source, type, hard)) } as Scrubbed;
    if (type === 'video/mp4') return { ...item, ...(await this.#filmed(source)) } as Scrubbed;
    return item as Scrubbed;
  }

  /** A picture must decode; with hard scrub what is shared is what was made of its pixels, scrubbed like any upload. */
  async #decoded(source: ByteSource, type: PictureType, hard: boolean): Promise<Decoded> {
    const request = { preview: { longSide: PREVIEW_SIDE }, ...(hard ? { reencode: { type } } : {}) };
    const { facts, preview, reencoded } = await this.#parts.decoder.decode(source, type, request);
    const shared = reencoded === null ? source : (await cleaned(bufferSource(reencoded), type)).source;
    const own = shared.size <= OWN_PREVIEW_BYTES;
    return { width: facts.width, height: facts.height, source: shared, preview: own ? null : previewOf(preview) };
  }

  /** A video's poster, where ffmpeg is installed; its coded samples were judged by the scrubber. */
  async #filmed(source: ByteSource): Promise<Partial<Decoded>> {
    const seen = await this.#parts.decoder.decodeVideo(source, { preview: { longSide: PREVIEW_SIDE } });
    return seen === null ? {} : { preview: previewOf(seen.preview) };
  }

  async #record(upload: Upload, items: readonly Scrubbed[]): Promise<Receipt> {
    const tokens = mintTokens();
    const secret = randomSecret(SHARE_SECRET_LENGTH);
    try {
      const sealed = await this.#seal(upload.options, tokens.link, secret, items);
      const { recorded, share } = await this.#once(upload, tokens, secret, sealed);
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
  ): Promise<{ recorded: Tokens; share: Share }> {
    const { ledger } = this.#parts;
    const record = async (): Promise<Tokens> => {
      await this.#put(upload.options, tokens, secret, sealed);
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

  async #put({ lifetime, passphrase }: ShareOptions, tokens: Tokens, secret: Buffer, { hold }: Sealed): Promise<void> {
    const { arena, ledger } = this.#parts;
    const { mode, duration, views } = lifetime;
    if (mode === 'never' && ledger.unitsOf('never') + hold.units.length > NEVER_SHARE * arena.capacity().total) {
      throw new Refusal('store-full', 'no room for links that never expire', { choice: 'never' });
    }
    const expiresAt = duration === null ? null : ledger.now() + duration;
    await ledger.put({
      ...tokens,
      secret,
      expiresAt,
      mode,
      views,
      hasPassphrase: passphrase !== null,
      held: false,
      hold,
    });
  }
}

interface Cleaned {
  readonly source: ByteSource;
  readonly removed: Removed;
  readonly width: number | null;
  readonly height: number | null;
}

/** Scrubbed and read again to prove it. Files of other types, where an operator lets them in, are left as they are. */
async function cleaned(source: ByteSource, type: MediaType): Promise<Cleaned> {
  if (type === 'application/octet-stream') return { source, removed: new Map(), width: null, height: null };
  const scrubbing = await scrub(source, type);
  const { removed, width, height } = scrubbing;
  return { source: await proveClean(scrubbing, source), removed, width, height };
}

interface Decoded {
  readonly width: number;
  readonly height: number;
  readonly source: ByteSource;
  readonly preview: SealItem['preview'];
}

function previewOf(bytes: Buffer | null): SealItem['preview'] {
  return bytes === null ? null : { type: 'image/webp', bytes };
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
