/**
 * The form's way in: multipart/form-data, parsed by multer with a storage engine of ours, which streams every file into
 * the spool. A file exists on the disk only sealed, and in memory a piece at a time, or whole where it is small.
 */
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import multer, { type FormContext, type IncomingFile, type StorageEngine } from '@koa/multer';
import { Refusal } from '../base/errors.js';
import type { Arena } from '../store/arena.js';
import type { ProgressReport } from './progress.js';
import { lengthOf, spool, type Spooled } from './spool.js';

export const NOTE_BYTES = 1_000_000;
export const MOST_FILES = 100;
const MOST_FIELDS = 40;

/** A form as it was received. The owner releases it, whatever becomes of it. */
export interface ReceivedForm {
  readonly fields: Readonly<Record<string, string>>;
  /** Empty when the form was refused. */
  readonly files: readonly ReceivedFile[];
  /** Why it can't be taken: told apart from a throw, so that what was typed can be shown again. */
  readonly refused: Refusal | null;
  release: () => void;
}

/** What `@koa/multer` needs of a Koa context. */
export type { FormContext };

export interface ReceivedFile {
  readonly wish: string;
  readonly spooled: Spooled;
}

export interface FormLimits {
  /** The most bytes of a file, by the fields that stand before it in the form. */
  readonly fileBytes: (fields: Readonly<Record<string, string>>) => number;
  readonly progress: ProgressReport;
}

/** What one request has taken in so far; the engine finds it by its request. */
interface Taking {
  readonly limits: FormLimits;
  /** In the order of their parts, whichever is ready first; null = not ready, or not taken. */
  readonly files: (ReceivedFile | null)[];
  /** Parts that are being read now. */
  readonly streams: Set<Readable>;
  /** The first refusal or failure; the rest of the body is only drained. */
  failed: Error | null;
  /** The form is over: a file that is ready only now belongs to nobody. */
  over: boolean;
}

/** Takes in the multipart form of a request. */
export type FormReceiver = (ctx: FormContext, limits: FormLimits) => Promise<ReceivedForm>;

/** The parser of upload forms for one store. */
export function formReceiver(arena: Arena): FormReceiver {
  const takings = new WeakMap<IncomingMessage, Taking>();
  const parser = multer({
    storage: engine(arena, takings),
    limits: {
      files: MOST_FILES,
      fields: MOST_FIELDS,
      parts: MOST_FILES + MOST_FIELDS,
      fieldSize: NOTE_BYTES,
      fieldNameSize: 64,
      fieldNestingDepth: 0,
      headerPairs: 32,
    },
    defParamCharset: 'utf8',
  }).any();
  return async (ctx, limits) => {
    const taking: Taking = { limits, files: [], streams: new Set(), failed: null, over: false };
    takings.set(ctx.req, taking);
    const release = (): void => {
      taking.over = true;
      for (const file of taking.files.splice(0)) file?.spooled.release();
    };
    // A browser that leaves in the middle closes the request, not the part that is being read.
    const cut = (): void => {
      if (ctx.req.complete) return;
      for (const stream of taking.streams) stream.destroy(new Refusal('cut-off', 'the upload was cut off'));
    };
    ctx.req.once('close', cut);
    let failed: Error | null = null;
    try {
      await parser(ctx, () => Promise.resolve());
    } catch (error) {
      failed = ctx.req.complete ? refusalOf(error) : new Refusal('cut-off', 'the upload was cut off');
    }
    failed = taking.failed ?? failed;
    if (failed !== null) release();
    if (failed !== null && !(failed instanceof Refusal)) throw failed;
    const body = (ctx.request as { body?: unknown }).body ?? (ctx.req as { body?: unknown }).body;
    const files = taking.files.filter((file) => file !== null);
    return { fields: stringFields(body), files, refused: failed, release };
  };
}

function engine(arena: Arena, takings: WeakMap<IncomingMessage, Taking>): StorageEngine {
  return {
    _handleFile(request, file, callback) {
      const taking = takings.get(request);
      if (taking === undefined) throw new Error('a form without its request');
      takeFile(arena, taking, request, file).then(
        () => callback(null, {}),
        (error: unknown) => {
          // multer would stop reading at the first error; a browser shows the answer only when all was read.
          taking.failed ??= error instanceof Error ? error : new Error('a file could not be taken in');
          file.stream.resume();
          callback(null, {});
        },
      );
    },
    // What was taken in is released by the owner of the form: here multer only says that it forgets a file.
    _removeFile(_request, _file, callback) {
      callback(null);
    },
  };
}

async function takeFile(
  arena: Arena,
  taking: Taking,
  request: IncomingMessage & { body?: unknown },
  file: IncomingFile,
): Promise<void> {
  if (file.fieldname !== 'file') throw new Refusal('malformed', 'files come in the field "file"', { field: 'file' });
  if (taking.failed !== null) return drain(file.stream);
  taking.streams.add(file.stream);
  const place = taking.files.push(null) - 1;
  try {
    const { progress, fileBytes } = taking.limits;
    const spooled = await spool(arena, file.stream as AsyncIterable<Buffer>, {
      bytes: fileBytes(stringFields(request.body)),
      onTooLarge: () => progress.stage('too-large'),
      expected: lengthOf(request),
    });
    if (taking.over) spooled.release();
    else taking.files[place] = { wish: file.originalname, spooled };
  } finally {
    taking.streams.delete(file.stream);
  }
}

async function drain(stream: Readable): Promise<void> {
  for await (const piece of stream) (piece as Buffer).fill(0);
}

/** Fields as strings; of a field that came more than once, the last. */
export function stringFields(body: unknown): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const [name, value] of Object.entries((body ?? {}) as Record<string, unknown>)) {
    const last: unknown = Array.isArray(value) ? value.at(-1) : value;
    if (typeof last === 'string') fields[name] = last;
  }
  return fields;
}

/** multer's and busboy's errors in our words. What they do not name is malformed: nothing else can come from a parser. */
function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  const code = (error as { code?: unknown } | null)?.code;
  if (code === 'LIMIT_FIELD_VALUE') return new Refusal('too-large', 'a field is too large', { limit: NOTE_BYTES });
  if (code === 'LIMIT_FILE_COUNT')
    return new Refusal('malformed', `a link holds at most ${MOST_FILES} files`, { files: MOST_FILES });
  if (code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE')
    return new Refusal('cut-off', 'the upload was cut off');
  return new Refusal('malformed', 'the form could not be read');
}
