/** The form with which a block list comes in: the file is parsed as it arrives, and kept nowhere. */
import type { IncomingMessage } from 'node:http';
import multer, { type FormContext, type IncomingFile } from '@koa/multer';
import { Refusal } from '../base/errors.js';
import { MiB } from '../base/units.js';
import { stringFields } from '../intake/multipart.js';
import { ListParser, type ParsedList } from '../moderation/list-parse.js';

/** A million hashes with a few columns beside them. */
const MOST_BYTES = 256 * MiB;
const LIMITS = { files: 1, fields: 10, parts: 11, fieldSize: 1000, fieldNameSize: 64, fieldNestingDepth: 0 };

export interface ListForm {
  readonly fields: Readonly<Record<string, string>>;
  /** Null = no file came. */
  readonly parsed: ParsedList | null;
}

interface Taking {
  parsed: ParsedList | null;
  refused: Refusal | null;
}

/** Reads the form, whose fields stand before the file. Refuses 'too-large', 'malformed' and 'cut-off'. */
export async function receiveList(ctx: FormContext): Promise<ListForm> {
  const taking: Taking = { parsed: null, refused: null };
  const receive = multer({ storage: engineFor(taking), limits: LIMITS, defParamCharset: 'utf8' }).any();
  try {
    await receive(ctx, () => Promise.resolve());
  } catch {
    const cut = !ctx.req.complete;
    throw cut ? new Refusal('cut-off', 'the upload was cut off') : new Refusal('malformed', 'the form can not be read');
  }
  if (taking.refused !== null) throw taking.refused;
  const body = (ctx.request as { body?: unknown }).body ?? (ctx.req as { body?: unknown }).body;
  return { fields: stringFields(body), parsed: taking.parsed };
}

function engineFor(taking: Taking): Parameters<typeof multer>[0]['storage'] {
  return {
    _handleFile(request, file, done) {
      parse(request, file).then(
        (parsed) => {
          taking.parsed = parsed;
          done(null, {});
        },
        (error: unknown) => {
          taking.refused = error instanceof Refusal ? error : new Refusal('malformed', 'the list can not be read');
          // The rest is read all the same: a browser shows an answer only then.
          file.stream.resume();
          done(null, {});
        },
      );
    },
    _removeFile: (_request, _file, done) => done(null),
  };
}

async function parse(request: IncomingMessage, { fieldname, stream }: IncomingFile): Promise<ParsedList> {
  if (fieldname !== 'file') throw new Refusal('malformed', 'the list comes in the field "file"');
  const parser = new ListParser({
    untyped: stringFields((request as { body?: unknown }).body)['untyped'] === 'sha256' ? 'sha256' : 'pdq',
  });
  let size = 0;
  for await (const piece of stream as AsyncIterable<Buffer>) {
    size += piece.length;
    if (size > MOST_BYTES) throw new Refusal('too-large', 'a list has at most 256 MiB');
    parser.push(piece);
  }
  return parser.end();
}
