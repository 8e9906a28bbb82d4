/** `/accounts`: who else may sign in. Everybody who may can let others in, and give them a new passphrase. */
import type Router from '@koa/router';
import { Refusal } from '../../base/errors.js';
import { MIN_PASSPHRASE } from '../../moderation/accounts.js';
import type { Desk } from '../desk.js';
import { form, page, redirect, SIGN_IN } from '../gate.js';
import { sendDeskPage } from '../pages.js';
import { accountsAs } from '../remote-book.js';

export function accountRoutes(router: Router, desk: Desk): void {
  router.get(
    '/accounts',
    page(desk, async (ctx, session) => {
      const accounts = (await accountsAs(desk.door, session.name)).list();
      await sendDeskPage(ctx, desk, session, 'accounts', { accounts, shortest: MIN_PASSPHRASE });
    }),
  );
  router.post(
    '/accounts',
    form(desk, async (ctx, session, fields) => {
      const name = (fields.get('name') ?? '').trim().toLowerCase();
      const passphrase = fields.get('passphrase') ?? '';
      if (passphrase !== fields.get('again'))
        throw new Refusal('malformed', 'the passphrase was not typed alike twice');
      const accounts = await accountsAs(desk.door, session.name);
      const known = accounts.list().some((account) => account.name === name);
      if (known !== (fields.get('known') === 'yes'))
        throw new Refusal('malformed', known ? `there is ${name} already` : `there is no account ${name.slice(0, 32)}`);
      const { now } = await desk.door.state();
      await accounts.set(name, passphrase, session.privateKey, now);
      // Whoever used the old passphrase is out; and so is the one who changed their own.
      if (known) desk.sessions.endAllOf(name);
      session.say(known ? `${name} has a new passphrase.` : `${name} can sign in.`);
      redirect(ctx, known && name === session.name ? SIGN_IN : '/accounts');
    }),
  );
  router.post(
    '/accounts/remove',
    form(desk, async (ctx, session, fields) => {
      const name = fields.get('name') ?? '';
      const removed = await (await accountsAs(desk.door, session.name)).remove(name);
      if (removed) desk.sessions.endAllOf(name);
      session.say(removed ? `${name} can not sign in any more.` : 'There is no such account.');
      redirect(ctx, '/accounts');
    }),
  );
}
