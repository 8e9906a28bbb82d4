import { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'tap';
import { Refusal } from '../../src/base/errors.js';
import type { Door } from '../../src/desk/door.js';
import { encodeFrame, FrameError, FrameReader, MOST_FRAME, parseFrame, type Frame } from '../../src/desk/frames.js';
import { answerThrough, askThrough } from '../../src/desk/pipe.js';

/** Two ends, each of which reads what the other writes. */
function pair(): [Duplex, Duplex] {
  const ends: Duplex[] = [];
  const end = (other: () => Duplex | undefined): Duplex =>
    new Duplex({
      read: () => undefined,
      write: (chunk: Buffer, _encoding, done) => {
        other()?.push(chunk);
        done();
      },
      destroy: (error, done) => {
        other()?.push(null);
        done(error);
      },
    });
  ends.push(
    end(() => ends[1]),
    end(() => ends[0]),
  );
  return [ends[0]!, ends[1]!];
}

/** A door with the calls given; the others are never asked. */
function doorOf(calls: Partial<Door>): Door {
  return calls as Door;
}

test.test('a message comes out as it went in, in pieces of any size', (t) => {
  const value = { a: 'ä\u0000b', list: [Buffer.from([1, 2]), Buffer.alloc(0), null], n: 2 ** 40 };
  const frame = encodeFrame({ id: 7, value });
  for (const step of [1, 3, 4, 5, frame.length, 2 * frame.length]) {
    const got: Frame[] = [];
    const reader = new FrameReader((one) => got.push(one));
    const twice = Buffer.concat([frame, frame]);
    for (let at = 0; at < twice.length; at += step) reader.push(twice.subarray(at, at + step));
    t.strictSame(got, [
      { id: 7, value },
      { id: 7, value },
    ]);
  }
  t.end();
});

test.test('what nobody would send is refused before there is room made for it', (t) => {
  const head = (length: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(length);
    return bytes;
  };
  for (const length of [0, 1, 7, MOST_FRAME + 1, 2 ** 32 - 1]) {
    t.throws(() => new FrameReader(() => undefined).push(head(length)), FrameError, String(length));
  }
  const body = (text: string, bytes = ''): Buffer => {
    const fixed = Buffer.alloc(8);
    fixed.writeUInt32BE(Buffer.byteLength(text), 4);
    return Buffer.concat([fixed, Buffer.from(text), Buffer.from(bytes)]);
  };
  t.strictSame(parseFrame(body('{"$":[1,2]}', 'xyz')).value, Buffer.from('yz'));
  for (const text of ['', '{', '{"$":[0,4]}', '{"$":[-1,1]}', '{"$":[0.5,1]}', '{"$":"x"}', '{"$":[1e308,1]}']) {
    t.throws(() => parseFrame(body(text, 'xyz')), FrameError, text);
  }
  t.throws(() => parseFrame(Buffer.alloc(3)), FrameError);
  t.throws(() => encodeFrame({ id: 1, value: Buffer.alloc(MOST_FRAME) }), FrameError);
  t.end();
});

test.test('a call, a refusal and a failure come back as what they are', async (t) => {
  const [desk, senders] = pair();
  const door = doorOf({
    readEvidence: (fileId, offset, length) => Promise.resolve(Buffer.from(`${fileId} ${offset} ${length}`)),
    case: () => Promise.resolve(null),
    removeAccount: () => Promise.reject(new Refusal('forbidden', 'the last account', { n: 1 })),
    queue: () => Promise.reject(new Error('secret words')),
  });
  answerThrough(senders, door, () => t.fail('broken'));
  const asked = askThrough(desk);
  const [piece, none] = await Promise.all([asked.readEvidence('cp-1', 2, 3), asked.case('cp-1')]);
  t.equal(piece?.toString(), 'cp-1 2 3');
  t.equal(none, null);
  await t.rejects(asked.removeAccount('a', 'b'), { code: 'forbidden', message: 'the last account', detail: { n: 1 } });
  const failed = await asked.queue().catch((error: unknown) => String(error));
  t.notMatch(failed, /secret/);
  desk.destroy();
  await t.rejects(asked.state(), /shut/, 'a door that is shut says so');
});

test.test('a call under way ends when the other side goes away', async (t) => {
  const [desk, senders] = pair();
  answerThrough(senders, doorOf({ state: () => new Promise(() => undefined) }), () => undefined);
  const waiting = askThrough(desk).state();
  senders.destroy();
  await t.rejects(waiting, /shut/);
});

test.test('only calls of the door are taken, with arguments of its shapes', async (t) => {
  const hostile: unknown[] = [
    null,
    'state',
    { call: 'constructor', with: [] },
    { call: '__proto__', with: [] },
    { call: 'state' },
    { call: 'state', with: ['x'] },
    { call: 'case', with: [] },
    { call: 'case', with: [1] },
    { call: 'case', with: [{ toString: 1 }] },
    { call: 'readEvidence', with: ['a', 0.5, 1] },
    { call: 'putAccount', with: ['a', 'b', 'c'] },
    { call: 'ban', with: ['a', 'b', [Buffer.alloc(1), 'x'], []] },
  ];
  for (const value of hostile) {
    const [desk, senders] = pair();
    const broken = new Promise<void>((resolve) => {
      answerThrough(senders, doorOf({}), resolve);
    });
    desk.write(encodeFrame({ id: 1, value }));
    await broken;
    t.ok(senders.destroyed, JSON.stringify(value));
  }
});

test.test('who asks without end is not read without end', async (t) => {
  const [desk, senders] = pair();
  let under = 0;
  answerThrough(
    senders,
    doorOf({
      queue: () => {
        under++;
        return new Promise(() => undefined);
      },
    }),
    () => undefined,
  );
  const asked = askThrough(desk);
  for (let i = 0; i < 200; i++) {
    asked.queue().catch(() => undefined);
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.ok(under < 70, `${under} at a time`);
  desk.destroy();
});

test.test('who asks and reads no answer is not answered for ever', async (t) => {
  let answered = 0;
  const state = (): Promise<never> => Promise.resolve(++answered as never);
  const written: (() => void)[] = [];
  const deaf = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => void written.push(done) });
  answerThrough(deaf, doorOf({ state }), () => t.fail('it is a message'));
  for (let id = 0; id < 200; id++) deaf.push(encodeFrame({ id, value: { call: 'state', with: [] } }));
  await sleep(100);
  t.equal(answered, 64);
  // It reads at last.
  for (let done = written.shift(); done !== undefined; done = written.shift()) {
    done();
    await sleep(0);
  }
  t.equal(answered, 200);
});
