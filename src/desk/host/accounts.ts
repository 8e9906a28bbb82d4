/** The accounts, from the senders' side: rows that nobody here can open. */
import { Refusal } from '../../base/errors.js';
import { isAccountRow } from '../../moderation/accounts.js';
import { SPACE } from '../../moderation/book.js';
import type { Door } from '../door.js';
import type { Within } from './host.js';

type Calls = Pick<Door, 'accounts' | 'putAccount' | 'removeAccount' | 'signedIn'>;

export function accountCalls({ ledger, moderation: { accounts }, register }: Within): Calls {
  const book = ledger.book(SPACE.accounts);
  return {
    accounts: () => {
      const rows = accounts.list().map(({ name }) => ({ name, row: book.get(Buffer.from(name)) ?? Buffer.alloc(0) }));
      return Promise.resolve({ publicKey: accounts.publicKey(), rows });
    },
    async putAccount(actor, name, row) {
      if (!isAccountRow(name, row)) throw new Refusal('malformed', 'a name has 1 to 32 of a-z 0-9 . _ -');
      if (accounts.publicKey() === null) throw new Refusal('forbidden', 'the first account is made by the operator');
      const key = Buffer.from(name);
      const action = book.get(key) === null ? 'account-added' : 'account-reset';
      await register.write(actor, action, name, (entry) =>
        register.make([{ kind: 'put', space: SPACE.accounts, key, value: row }, ...entry]),
      );
    },
    async removeAccount(actor, name) {
      const removed = await accounts.remove(name);
      if (removed) await register.note(actor, 'account-removed', name);
      return removed;
    },
    signedIn: (actor) => register.note(actor, 'signed-in', ''),
  };
}
