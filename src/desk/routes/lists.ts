/** `/lists`: block lists, and the site's own bans. */
import type Router from '@koa/router';
import type { Context } from 'koa';
import { Refusal } from '../../base/errors.js';
import { encodeHashes, LIST_ACTIONS, LIST_REASONS, MAX_NAME_BYTES } from '../../moderation/block-list-format.js';
import type { ParsedList } from '../../moderation/list-parse.js';
import { acceptBody } from '../../web/body.js';
import type { Desk } from '../desk.js';
import { MOST_PIECE, type Door } from '../door.js';
import { demandToken, form, page, redirect } from '../gate.js';
import { receiveList, type ListForm } from '../list-form.js';
import { sendDeskPage } from '../pages.js';
import type { Session } from '../sessions.js';

const BANS_SHOWN = 50;
const HASH = { pdq: 32, sha256: 32 } as const;

export function listRoutes(router: Router, desk: Desk): void {
  router.get(
    '/lists',
    page(desk, (ctx, session) => show(ctx, desk, session, null)),
  );
  router.post(
    '/lists',
    page(desk, async (ctx, session) => {
      acceptBody(ctx);
      const list = await receiveList(ctx);
      demandToken(session, list.fields['form']);
      await take(ctx, desk, session, list);
    }),
  );
  router.post(
    '/lists/remove',
    form(desk, async (ctx, session, fields) => {
      const removed = await desk.door.removeList(session.name, Number(fields.get('id')));
      session.say(removed ? 'The list is gone.' : 'There is no such list any more.');
      redirect(ctx, '/lists');
    }),
  );
  router.post(
    '/lists/lift',
    form(desk, async (ctx, session, fields) => {
      const kind = fields.get('kind') === 'sha256' ? 'sha256' : 'pdq';
      const hash = Buffer.from((fields.get('hash') ?? '').trim(), 'hex');
      if (hash.length !== HASH[kind]) throw new Refusal('malformed', 'a hash has 64 hexadecimal digits');
      const lifted = await desk.door.liftBan(session.name, kind, hash);
      session.say(lifted ? 'The ban is lifted.' : 'Nothing is banned by this hash.');
      redirect(ctx, '/lists');
    }),
  );
}

async function show(ctx: Context, desk: Desk, session: Session, summary: ParsedList['summary'] | null): Promise<void> {
  const { lists, bannedLooks, bannedFiles } = await desk.door.lists();
  const hex = (hashes: readonly Buffer[]): string[] => hashes.slice(0, BANS_SHOWN).map((hash) => hash.toString('hex'));
  const bans = { looks: bannedLooks.length, files: bannedFiles.length };
  const view = { lists, bans, looks: hex(bannedLooks), files: hex(bannedFiles), summary };
  await sendDeskPage(ctx, desk, session, 'lists', { ...view, reasons: LIST_REASONS, actions: LIST_ACTIONS });
}

async function take(ctx: Context, desk: Desk, session: Session, { fields, parsed }: ListForm): Promise<void> {
  const name = (fields['name'] ?? '').trim();
  const reason = LIST_REASONS.find((one) => one === fields['reason']);
  const action = LIST_ACTIONS.find((one) => one === fields['action']);
  if (name === '' || Buffer.byteLength(name) > MAX_NAME_BYTES)
    throw new Refusal('malformed', `a list has a name of at most ${MAX_NAME_BYTES} bytes`);
  if (reason === undefined || action === undefined) throw new Refusal('malformed', 'choose what the list is for');
  if (parsed === null) throw new Refusal('malformed', 'choose a file');
  if (Object.values(parsed.hashes).every(({ length }) => length === 0))
    throw new Refusal('malformed', 'no hash was found in this file');
  await oneAfterTheOther(async () => {
    await send(desk.door, encodeHashes(parsed.hashes));
    await desk.door.addList(session.name, name, reason, action);
  });
  session.say(`The list ${name} is in use.`);
  await show(ctx, desk, session, parsed.summary);
}

async function send(door: Door, hashes: Buffer): Promise<void> {
  for (let at = 0; at === 0 || at < hashes.length; at += MOST_PIECE)
    await door.listPiece(at, hashes.subarray(at, at + MOST_PIECE));
}

let last: Promise<unknown> = Promise.resolve();

/** Two lists that come at once would mix: the door takes the pieces of one at a time. */
function oneAfterTheOther(work: () => Promise<void>): Promise<void> {
  const turn = last.then(work);
  last = turn.catch(() => undefined);
  return turn;
}
