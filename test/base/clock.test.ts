import test from 'tap';
import { ForwardClock, type Clock } from '../../src/base/clock.js';

function handClock(wall: number): Clock & { wallNow: number; mono: number } {
  return {
    wallNow: wall,
    mono: 0,
    wall() {
      return this.wallNow;
    },
    monotonic() {
      return this.mono;
    },
  };
}

test.test('the clock never goes back', (t) => {
  const hand = handClock(1_000_000);
  const clock = new ForwardClock(hand);
  t.equal(clock.now(), 1_000_000);
  hand.wallNow = 10;
  hand.mono += 500;
  t.equal(clock.now(), 1_000_500, 'a wall clock set back is answered by monotonic time');
  hand.wallNow = 2_000_000;
  t.equal(clock.now(), 2_000_000, 'a jump forward is followed');
  hand.wallNow = 5;
  t.equal(clock.now(), 2_000_000);
  t.end();
});

test.test('a clock does not start before what the store has seen', (t) => {
  const clock = new ForwardClock(handClock(10), 5000);
  t.equal(clock.now(), 5000);
  clock.advanceTo(7000);
  t.equal(clock.now(), 7000);
  clock.advanceTo(6000);
  t.equal(clock.now(), 7000);
  t.end();
});
