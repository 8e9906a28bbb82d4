/** A moderator at the desk over real HTTP: a browser's cookie and the forms of the pages it was shown, and nothing else. */
import type { Moderation } from '../../src/moderation/moderation.js';
import type { Appliance } from './appliance.js';

export const ALICE = { name: 'alice', passphrase: 'correct horse battery staple' };
export const BOB = { name: 'bob', passphrase: 'another twelve characters' };

export interface Shown {
  readonly status: number;
  readonly html: string;
  readonly headers: Headers;
}

/** Makes the first account, as `chatpic staff add` does while the appliance stands still. */
export async function staffed({ app }: Appliance, who = ALICE): Promise<Moderation> {
  await app.moderation.accounts.createFirst(who.name, who.passphrase, app.store.ledger.now());
  return app.moderation;
}

export function deskOf({ app }: Appliance): string {
  const address = app.desk?.addresses[0];
  if (address === undefined) throw new Error('this appliance has no desk');
  return address;
}

export class Moderator {
  readonly #desk: string;
  cookie = '';
  /** The form token of the last page. */
  token = '';

  constructor(desk: string) {
    this.#desk = desk;
  }

  static async signedIn(desk: string, who = ALICE): Promise<Moderator> {
    const moderator = new Moderator(desk);
    const { status } = await moderator.signIn(who.name, who.passphrase);
    if (status !== 303) throw new Error(`expected to be signed in, got ${status}`);
    await moderator.get('/');
    return moderator;
  }

  signIn(name: string, passphrase: string): Promise<Shown> {
    return this.#ask('/sign-in', { method: 'POST', body: new URLSearchParams({ name, passphrase }) });
  }

  get(path: string): Promise<Shown> {
    return this.#ask(path, {});
  }

  async bytes(path: string): Promise<{ readonly status: number; readonly body: Buffer; readonly headers: Headers }> {
    const response = await this.#fetch(path, {});
    return { status: response.status, body: Buffer.from(await response.arrayBuffer()), headers: response.headers };
  }

  /** Sends a form with the token of the last page. */
  post(path: string, fields: readonly (readonly [string, string])[] | Record<string, string> = {}): Promise<Shown> {
    const pairs = Array.isArray(fields) ? fields : Object.entries(fields as Record<string, string>);
    const body = new URLSearchParams([['form', this.token], ...(pairs as [string, string][])]);
    return this.#ask(path, { method: 'POST', body });
  }

  postForm(path: string, body: FormData): Promise<Shown> {
    return this.#ask(path, { method: 'POST', body });
  }

  async #ask(path: string, init: RequestInit): Promise<Shown> {
    const response = await this.#fetch(path, init);
    const html = (await response.text()).replace(/<style>.*<\/style>/, '');
    const cookie = /^desk=([^;]*)/.exec(response.headers.get('set-cookie') ?? '')?.[1];
    if (cookie !== undefined) this.cookie = cookie;
    this.token = /name="form" value="([^"]*)"/.exec(html)?.[1] ?? this.token;
    return { status: response.status, html, headers: response.headers };
  }

  #fetch(path: string, init: RequestInit): Promise<Response> {
    const headers = { Accept: 'text/html', ...(this.cookie === '' ? {} : { Cookie: `desk=${this.cookie}` }) };
    return fetch(`${this.#desk}${path}`, { ...init, headers, redirect: 'manual' });
  }
}

/** Reports a share as a visitor does. */
export async function report(base: string, token: string, reason: string, details = ''): Promise<void> {
  const body = new URLSearchParams({ reason, details });
  const response = await fetch(`${base}/report/${token}`, { method: 'POST', body });
  if (response.status !== 200) throw new Error(`expected 200, got ${response.status}`);
  await response.text();
}

/** The file IDs of the queue, in its order. */
export function queued({ html }: Shown): string[] {
  return [...html.matchAll(/href="\/case\/(cp-[0-9a-z]{10})"/g)].map(([, fileId]) => fileId ?? '');
}
