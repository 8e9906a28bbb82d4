import test from 'tap';
import { Turnstile } from '../../../src/media/decoder/turnstile.js';

const never = null;

test.test('as many are inside as there are places, and the rest enter in order', async (t) => {
  const turnstile = new Turnstile(2, 10);
  const order: number[] = [];
  let inside = 0;
  let most = 0;
  const visit = (number: number): Promise<void> =>
    turnstile.through(async () => {
      order.push(number);
      most = Math.max(most, ++inside);
      await new Promise((resolve) => setTimeout(resolve, 2));
      inside--;
    }, never);
  await Promise.all(Array.from({ length: 12 }, (_, number) => visit(number)));
  t.equal(most, 2);
  t.strictSame(
    order,
    Array.from({ length: 12 }, (_, number) => number),
  );
});

test.test('over the queue it is busy, and a failure frees the place', async (t) => {
  const turnstile = new Turnstile(1, 1);
  let fail: (error: Error) => void = () => undefined;
  const first = turnstile.through(() => new Promise((_, reject) => (fail = reject)), never);
  const second = turnstile.through(() => Promise.resolve('in'), never);
  await t.rejects(
    turnstile.through(() => Promise.resolve(), never),
    { name: 'Refusal', code: 'busy' },
  );
  fail(new Error('broken'));
  await t.rejects(first, { message: 'broken' });
  t.equal(await second, 'in');
  t.equal(await turnstile.through(() => Promise.resolve('again'), never), 'again');
});

test.test('one who leaves while waiting loses the place in the queue only', async (t) => {
  const turnstile = new Turnstile(1, 1);
  let end: () => void = () => undefined;
  const first = turnstile.through(() => new Promise<void>((resolve) => (end = resolve)), never);
  const leaving = new AbortController();
  const second = turnstile.through(() => Promise.resolve(), leaving.signal);
  leaving.abort();
  await t.rejects(second, { name: 'Refusal', code: 'cut-off' });
  t.equal(turnstile.waiting, 0);
  const third = turnstile.through(() => Promise.resolve('in'), never);
  end();
  await first;
  t.equal(await third, 'in');
});
