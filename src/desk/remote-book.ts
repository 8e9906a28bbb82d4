/**
 * The book of accounts as the desk's process sees it: rows that were fetched through the door, and writes that go through it.
 * A row is the staff's private key as a passphrase seals it: the passphrase and the key stay on this side.
 */
import { Accounts, type SignIn } from '../moderation/accounts.js';
import type { Book, BookEntry } from '../moderation/book.js';
import type { AccountRows, Door } from './door.js';

/** The key under which the staff's public key stands (docs/format/moderation.md, section 8). */
const PUBLIC_KEY = '\0';

class RemoteBook implements Book {
  #rows: ReadonlyMap<string, Buffer> = new Map();
  readonly #door: Door;
  readonly #actor: string;

  constructor(door: Door, actor: string) {
    this.#door = door;
    this.#actor = actor;
  }

  async refresh(): Promise<this> {
    const { publicKey, rows }: AccountRows = await this.#door.accounts();
    const named = rows.map(({ name, row }): [string, Buffer] => [name, row]);
    this.#rows = new Map(publicKey === null ? named : [[PUBLIC_KEY, publicKey], ...named]);
    return this;
  }

  get(key: Uint8Array): Buffer | null {
    return this.#rows.get(textOf(key)) ?? null;
  }

  put(key: Uint8Array, value: Uint8Array): Promise<void> {
    return this.#door.putAccount(this.#actor, textOf(key), Buffer.from(value));
  }

  delete(key: Uint8Array): Promise<boolean> {
    return this.#door.removeAccount(this.#actor, textOf(key));
  }

  entries(): readonly BookEntry[] {
    return [...this.#rows].map(([key, value]) => ({ key: Buffer.from(key, 'latin1'), value }));
  }

  add(): Promise<void> {
    return Promise.reject(new Error('accounts have no counters'));
  }

  count(): number {
    return 0;
  }
}

function textOf(key: Uint8Array): string {
  return Buffer.from(key).toString('latin1');
}

/** The accounts as they are now; what is changed is written down as done by `actor`. */
export async function accountsAs(door: Door, actor: string): Promise<Accounts> {
  return new Accounts(await new RemoteBook(door, actor).refresh());
}

/** Where people sign in. Wrong tries are counted here, for as long as this process lives. */
export class SignIns {
  readonly #book: RemoteBook;
  readonly #accounts: Accounts;
  readonly #monotonic: () => number;

  constructor(door: Door, monotonic: () => number) {
    this.#book = new RemoteBook(door, '');
    this.#accounts = new Accounts(this.#book);
    this.#monotonic = monotonic;
  }

  /** Like `Accounts.signIn`; `until` counts on the monotonic clock. The caller owns and wipes the private key. */
  async signIn(name: string, passphrase: string): Promise<SignIn> {
    await this.#book.refresh();
    return this.#accounts.signIn(name, passphrase, this.#monotonic());
  }
}
