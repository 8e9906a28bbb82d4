/** `GET /`: the upload form. `POST /`: an upload from it, or from a script. Answers 201 with the receipt, no redirect. */
import type Router from '@koa/router';
import type { Context } from 'koa';
import { Refusal, type RefusalCode } from '../../base/errors.js';
import { bufferSource } from '../../base/source.js';
import { ALPHANUMERIC, randomName } from '../../crypto/random.js';
import { NOTE_BYTES } from '../../intake/multipart.js';
import { CAPTION_CHARACTERS } from '../../intake/options.js';
import type { Received } from '../../intake/upload.js';
import { parseUploadId, type ProgressReport, type UploadId } from '../../intake/progress.js';
import { formOf, pageContext, queryOf, sendPage } from '../answer.js';
import { drainBody, readBody } from '../body.js';
import {
  UPLOAD_CHOICES,
  NOTHING_TYPED,
  type UploadProblem,
  type UploadTyped,
  type UploadView,
} from '../pages/views.js';
import { gateFor, sendChallenge, type Gate } from '../gate.js';
import { statusOf } from '../refusals.js';
import type { Policy, Services } from '../services.js';
import type { Site } from '../site.js';
import { checkedOptions, codeCheck, inPlace, receiptHeaders, sendReceiptForScripts } from '../uploads.js';
import { sendReceiptPage } from '../receipt.js';

type Fields = Readonly<Record<string, string>>;

export function uploadRoutes(router: Router, site: Site, services: Services): void {
  router.get('/', (ctx) => {
    if (services.challenge.active) sendChallenge(ctx, services, formPath(ctx), {});
    else sendForm(ctx, services, { status: 200, typed: NOTHING_TYPED, problem: null, pass: null });
  });
  router.post('/', (ctx) => takeForm(ctx, site, services));
}

async function takeForm(ctx: Context, site: Site, services: Services): Promise<void> {
  const id = parseUploadId(queryOf(ctx).get('progress') ?? undefined);
  const progress = services.progress.begin(id, Number(ctx.get('Content-Length')) || null);
  const gate = gateFor(ctx, services);
  let fields: Fields = {};
  try {
    // A script has its ticket in a header: it is told before it sends.
    if (formOf(ctx) !== 'html') gate.check({});
    await inPlace(ctx, services, async () => {
      const isGood = codeCheck(services);
      const form = await receive(ctx, services, { isGood, gate, progress });
      fields = form.fields;
      try {
        if (form.refused !== null) throw form.refused;
        gate.check(fields);
        if (gate.pass !== null && form.items.length === 0) {
          sendForm(ctx, services, { status: 200, typed: typedIn(fields), problem: null, pass: gate.pass });
          return;
        }
        await answer(ctx, site, services, { id, progress, fields, items: form.items, isGood });
      } finally {
        form.release();
      }
    });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    // One that was cut off ends in the stage in which it was.
    if (error.code !== 'cut-off') progress.stage(error.code === 'too-large' ? 'too-large' : 'refused');
    if (formOf(ctx) !== 'html') throw error;
    // A browser shows an answer only when all of its form was read; a script reads while it sends.
    if (!ctx.req.readableEnded) await drainBody(ctx);
    if (error.code === 'challenge') {
      services.counts.add('challenge');
      sendChallenge(ctx, services, formPath(ctx), fields);
      return;
    }
    const pass = gate.pass ?? fields['pass'] ?? null;
    sendForm(ctx, services, { status: statusOf(error.code), typed: typedIn(fields), problem: problemOf(error), pass });
  } finally {
    progress.end();
  }
}

interface Taken {
  readonly fields: Fields;
  readonly items: readonly Received[];
  readonly refused: Refusal | null;
  release(): void;
}

/** What is asked of a form while it comes. */
interface Asked {
  readonly isGood: (code: string) => boolean;
  readonly gate: Gate;
  readonly progress: ProgressReport;
}

/** The form's own path, for one who has a Pro code or has none. */
function formPath(ctx: Context): string {
  return queryOf(ctx).has('pro') ? '/?pro' : '/';
}

async function receive(ctx: Context, services: Services, { isGood, gate, progress }: Asked): Promise<Taken> {
  ctx.req.on('data', (piece: Buffer) => progress.received(piece.length));
  if (ctx.is('multipart/form-data')) {
    const { policy, receiveForm } = services;
    const fileBytes = (fields: Fields): number => {
      gate.check(fields);
      return isGood(fields['code'] ?? '') ? policy.proBytes : policy.freeBytes;
    };
    const { fields, files, refused, release } = await receiveForm(ctx, { fileBytes, progress });
    const items = files.map(({ wish, spooled }) => ({ wish, source: spooled.source, typed: false }));
    return { fields, items: [...items, ...noteOf(fields)], refused, release };
  }
  if (ctx.is('application/x-www-form-urlencoded') !== 'application/x-www-form-urlencoded') {
    throw new Refusal('malformed', 'send a form as multipart/form-data, or a file with PUT');
  }
  const fields = Object.fromEntries(new URLSearchParams((await readBody(ctx, 3 * NOTE_BYTES)).toString('utf8')));
  return { fields, items: noteOf(fields), refused: null, release: () => undefined };
}

/** A typed note is an item like any other; browsers send line ends as CRLF, files have LF. */
function noteOf(fields: Fields): Received[] {
  const text = (fields['note'] ?? '').replace(/\r\n/g, '\n');
  if (text.trim() === '') return [];
  return [{ wish: 'note.txt', source: bufferSource(Buffer.from(text, 'utf8')), typed: true }];
}

interface Arrived {
  readonly id: UploadId | null;
  readonly progress: ProgressReport;
  readonly fields: Fields;
  readonly items: readonly Received[];
  readonly isGood: (code: string) => boolean;
}

async function answer(
  ctx: Context,
  site: Site,
  services: Services,
  { id, progress, fields, items, isGood }: Arrived,
): Promise<void> {
  const options = checkedOptions(fields, services, isGood);
  const receipt = await services.pipeline.share({ items, options, id, progress });
  progress.stage('done');
  if (formOf(ctx) !== 'html') {
    sendReceiptForScripts(ctx, site, receipt);
    return;
  }
  receiptHeaders(ctx, site, receipt);
  await sendReceiptPage(ctx, site, services, receipt);
}

interface FormAnswer {
  readonly status: number;
  readonly typed: UploadTyped;
  readonly problem: UploadProblem | null;
  /** From the challenge; goes along in the form. */
  readonly pass: string | null;
}

function sendForm(ctx: Context, { pages, policy }: Services, { status, typed, problem, pass }: FormAnswer): void {
  const pro = queryOf(ctx).has('pro') || typed.code !== '' || typed.expiry === 'pro';
  const view = {
    ...freshForm(policy),
    kind: typed.note === '' ? ('files' as const) : ('note' as const),
    proDays: pro ? policy.proDays : null,
    pass,
    typed,
    problem,
  };
  sendPage(ctx, status, pages.upload({ ...pageContext(ctx), path: '/' }, view));
}

/** The form as everybody gets it, under an ID of its own. */
export function freshForm({ freeBytes, proBytes, anyFile }: Policy): UploadView {
  return {
    kind: 'files',
    progressId: randomName(22, ALPHANUMERIC),
    freeBytes,
    proBytes,
    captionLength: CAPTION_CHARACTERS,
    noteLength: NOTE_BYTES / 10,
    anyFile,
    proDays: null,
    pass: null,
    typed: NOTHING_TYPED,
    problem: null,
  };
}

function typedIn(fields: Fields): UploadTyped {
  const field = (name: string): string => (fields[name] ?? '').slice(0, 100_000);
  return {
    note: field('note'),
    caption: field('caption'),
    expiry: UPLOAD_CHOICES.find((choice) => choice === fields['expiry']) ?? NOTHING_TYPED.expiry,
    views: field('views'),
    passphrase: field('passphrase'),
    code: field('code'),
    hardScrub: fields['scrub'] === 'hard',
  };
}

const FIELD_PROBLEMS: Readonly<Record<string, UploadProblem['code']>> = {
  caption: 'caption-too-long',
  expiry: 'expiry-unknown',
  views: 'views-not-a-number',
  passphrase: 'passphrase-too-long',
  code: 'code-unknown',
  pro: 'code-missing',
};

function problemOf({ code, message, detail }: Refusal): UploadProblem {
  const field = detail['field'];
  const known = code === 'malformed' && typeof field === 'string' ? FIELD_PROBLEMS[field] : undefined;
  if (known !== undefined) return { code: known };
  if (code === 'empty' && message === 'nothing was sent') return { code: 'nothing-chosen' };
  return { code: code satisfies RefusalCode, detail };
}
