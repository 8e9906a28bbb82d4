/** Whose request is begun when, and what is not done for who has left. */
import type { IncomingMessage } from 'node:http';
import test from 'tap';
import type { Context } from 'koa';
import type { Resolved } from '../../src/retrieval/retrieval.js';
import type { Exchanges } from '../../src/web/exchanges.js';
import { openFree } from '../../src/web/routes/view.js';
import type { Services } from '../../src/web/services.js';
import { Turns } from '../../src/web/turns.js';

const requestOf = (destroyed = false): IncomingMessage => ({ socket: { destroyed } }) as unknown as IncomingMessage;
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Takes more than a turn may. */
function busy(): void {
  for (const since = performance.now(); performance.now() - since < 10;);
}

test.test('of a flood some are begun in each turn: the newest, and those that wait longest', async (t) => {
  const turns = new Turns({ onEnd: () => undefined } as unknown as Exchanges);
  const begun: number[] = [];
  turns.take(requestOf(), busy);
  for (let i = 0; i < 40; i++) turns.take(requestOf(), () => begun.push(i));
  t.strictSame(begun, []);
  await nextTurn();
  t.strictSame(begun.splice(0), [36, 37, 38, 39, 0, 1, 2, 3]);
  turns.take(requestOf(), () => begun.push(40));
  await nextTurn();
  t.ok(begun.includes(40), 'who comes last does not wait for all who came before');
  for (let i = 0; i < 5; i++) await nextTurn();
  t.equal(new Set(begun).size, 41 - 8, 'each of them, once');
});

test.test('nothing is opened for who has left while it waited', async (t) => {
  const opened: unknown[] = [];
  const services = { retrieval: { openFree: (link: unknown) => Promise.resolve(opened.push(link)) } };
  const asked = (left: boolean): Promise<unknown> =>
    openFree({ req: requestOf(left) } as Context, services as unknown as Services, {} as Resolved);
  await t.rejects(asked(true), { code: 'cut-off' });
  t.equal(opened.length, 0);
  await asked(false);
  t.equal(opened.length, 1);
});
