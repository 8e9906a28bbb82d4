/** Whose turn it is to be read for, where many read at once. */
import type { IncomingMessage } from 'node:http';
import test from 'tap';
import { Readers } from '../../src/web/readers.js';

const LARGE = 10_000_000;

const request = (): IncomingMessage => ({}) as unknown as IncomingMessage;

/** Keeps all places until `free` is called; then says in which order `ask`ed work was done. */
function crowded(): {
  readonly readers: Readers;
  readonly ask: (name: string, served: number, asked?: IncomingMessage) => Promise<void>;
  readonly free: () => void;
  readonly done: readonly string[];
} {
  const readers = new Readers(LARGE);
  const done: string[] = [];
  let free: () => void = () => undefined;
  const until = new Promise<void>((resolve) => (free = resolve));
  for (let i = 0; i < 2; i++) void readers.of(request()).turn(() => until, 0);
  const ask = (name: string, served: number, asked = request()): Promise<void> =>
    readers.of(asked).turn(() => {
      done.push(name);
      return Promise.resolve();
    }, served);
  return { readers, ask, free, done };
}

test.test(
  'a small answer comes before what large ones go on with, and the newest before those that came all at once',
  async (t) => {
    const { ask, free, done } = crowded();
    const asked = [
      ask('far on', 50 * LARGE),
      ask('on', LARGE),
      ask('first', 0),
      ask('second', 16_384),
      ask('third', 0),
    ];
    free();
    await Promise.all(asked);
    t.strictSame(done, ['third', 'second', 'first', 'on', 'far on']);
  },
);

test.test('of equals the one whose request was heard last comes first, whoever got as far as this last', async (t) => {
  const { readers, ask, free, done } = crowded();
  const [early, late] = [request(), request()];
  readers.hear(early);
  readers.hear(late);
  const asked = [ask('heard late, begun early', 0, late), ask('heard early, begun late', 0, early)];
  free();
  await Promise.all(asked);
  t.strictSame(done, ['heard late, begun early', 'heard early, begun late']);
});

test.test('nobody waits for ever: one turn of eight is that of who has waited longest', async (t) => {
  const { ask, free, done } = crowded();
  const asked = [ask('large', LARGE)];
  for (let i = 0; i < 40; i++) asked.push(ask('small', 0));
  free();
  await Promise.all(asked);
  t.ok(done.indexOf('large') < 8, String(done.indexOf('large')));
});

test.test('work that fails gives its turn on', async (t) => {
  const { readers, ask, free, done } = crowded();
  const failing = readers.of(request()).turn(() => Promise.reject(new Error('broken')), 0);
  const after = ask('after', LARGE);
  free();
  await t.rejects(failing, /broken/);
  await after;
  t.strictSame(done, ['after']);
});
