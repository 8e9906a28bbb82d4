/** Whose turn it is to be read for, where many read at once. */
import test from 'tap';
import { Readers } from '../../src/web/readers.js';

const LARGE = 10_000_000;

/** Keeps all places until `free` is called; then says in which order `ask`ed work was done. */
function crowded(): {
  readonly readers: Readers;
  readonly ask: (name: string, served: number) => Promise<void>;
  readonly free: () => void;
  readonly done: readonly string[];
} {
  const readers = new Readers(LARGE);
  const done: string[] = [];
  let free: () => void = () => undefined;
  const until = new Promise<void>((resolve) => (free = resolve));
  for (let i = 0; i < 2; i++) void readers.turn(() => until, 0);
  const ask = (name: string, served: number): Promise<void> =>
    readers.turn(() => {
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
  const failing = readers.turn(() => Promise.reject(new Error('broken')), 0);
  const after = ask('after', LARGE);
  free();
  await t.rejects(failing, /broken/);
  await after;
  t.strictSame(done, ['after']);
});
