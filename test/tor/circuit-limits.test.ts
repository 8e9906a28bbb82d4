import test from 'tap';
import type { Clock } from '../../src/base/clock.js';
import { CircuitLimits, type CircuitBounds } from '../../src/tor/circuit-limits.js';
import type { CircuitId } from '../../src/tor/circuit-line.js';

const BOUNDS: CircuitBounds = { requests: 3, interval: 3000, uploads: 2, connections: 2, refusals: 4 };
const [ONE, TWO] = [1 as CircuitId, 2 as CircuitId];

function stage(): { limits: CircuitLimits; clock: Clock & { now: number }; closed: CircuitId[] } {
  const clock = { now: 0, wall: () => 0, monotonic: () => clock.now };
  const closed: CircuitId[] = [];
  const limits = new CircuitLimits({ clock, bounds: BOUNDS, closeCircuit: (circuit) => closed.push(circuit) });
  return { limits, clock, closed };
}

test.test('a bound bites one circuit and not another', (t) => {
  const { limits } = stage();
  t.strictSame(
    [1, 2, 3].map(() => limits.request(ONE)),
    [0, 0, 0],
  );
  t.equal(limits.request(ONE), 1000, 'the fourth waits for a third of the interval');
  t.equal(limits.request(TWO), 0);
  t.ok(limits.connect(ONE));
  t.ok(limits.connect(ONE));
  t.equal(limits.connect(ONE), null);
  t.ok(limits.connect(TWO));
  t.ok(limits.upload(ONE));
  t.ok(limits.upload(ONE));
  t.equal(limits.upload(ONE), null);
  t.ok(limits.upload(TWO));
  t.end();
});

test.test('requests come back evenly with time, never more than the bound', (t) => {
  const { limits, clock } = stage();
  for (let n = 0; n < 3; n++) limits.request(ONE);
  clock.now = 990;
  const wait = limits.request(ONE);
  t.ok(wait >= 10 && wait <= 11, 'to the millisecond');
  clock.now = 1001;
  t.equal(limits.request(ONE), 0);
  t.not(limits.request(ONE), 0);
  clock.now = 1_000_000;
  t.strictSame(
    [1, 2, 3, 4].map(() => limits.request(ONE)),
    [0, 0, 0, 1000],
  );
  t.end();
});

test.test('what is given back once is free again, and giving it back twice gives nothing more', (t) => {
  const { limits } = stage();
  const first = limits.connect(ONE);
  limits.connect(ONE);
  first?.();
  first?.();
  t.ok(limits.connect(ONE));
  t.equal(limits.connect(ONE), null);
  t.end();
});

test.test('a circuit is forgotten when it is closed and an interval has passed, not before', (t) => {
  const { limits, clock } = stage();
  const release = limits.connect(ONE);
  limits.request(TWO);
  t.equal(limits.size, 2);
  clock.now = 2999;
  limits.sweep();
  t.equal(limits.size, 2, 'closing and coming back at once clears no account');
  clock.now = 3000;
  limits.sweep();
  t.equal(limits.size, 1, 'one with a connection stays');
  release?.();
  limits.sweep();
  t.equal(limits.size, 0);
  t.end();
});

test.test('a circuit that goes on over its bound is closed, once per so many refusals', (t) => {
  const { limits, clock, closed } = stage();
  for (let n = 0; n < 3 + 3; n++) limits.request(ONE);
  t.strictSame(closed, []);
  limits.request(ONE);
  t.strictSame(closed, [ONE]);
  for (let n = 0; n < 3; n++) limits.request(ONE);
  t.strictSame(closed, [ONE]);
  limits.request(ONE);
  t.strictSame(closed, [ONE, ONE]);
  for (let n = 0; n < 3; n++) limits.request(ONE);
  clock.now = 3000;
  for (let n = 0; n < 3 + 3; n++) limits.request(ONE);
  t.strictSame(closed, [ONE, ONE], 'a quiet interval clears the refusals');
  t.end();
});
