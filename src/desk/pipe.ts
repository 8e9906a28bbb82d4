/**
 * The two ends of the door over one connection: `askThrough` in the desk's process, `answerThrough` in the senders'.
 *
 * What holds: the side that answers takes calls of the door only, with arguments of the shapes of the door only, and
 * `MOST_AT_ONCE` of them at a time, those included whose answer was not read yet: beyond that it stops reading. What breaks the format ends the pipe. A refusal arrives
 * as a refusal; a failure arrives as the bare word that something broke.
 */
import type { Duplex } from 'node:stream';
import { Refusal, type RefusalCode, type RefusalDetail } from '../base/errors.js';
import { SHAPES, type Door, type DoorCall, type Shape } from './door.js';
import { encodeFrame, FrameError, FrameReader, type Frame } from './frames.js';

const MOST_AT_ONCE = 64;

interface Asked {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

interface Answer {
  readonly value?: unknown;
  readonly refused?: { readonly code: RefusalCode; readonly message: string; readonly detail: RefusalDetail };
}

/** The door as seen from the other side of `socket`. Every call rejects once the socket has ended. */
export function askThrough(socket: Duplex): Door {
  const asked = new Map<number, Asked>();
  let last = 0;
  const end = (): void => {
    for (const { reject } of asked.values()) reject(new Error('the door is shut'));
    asked.clear();
  };
  const take = ({ id, value }: Frame): void => {
    const question = asked.get(id);
    asked.delete(id);
    const { value: given, refused } = value as Answer;
    if (refused !== undefined) question?.reject(new Refusal(refused.code, refused.message, refused.detail));
    else if (given === undefined) question?.reject(new Error('the senders\u2019 process could not do it'));
    else question?.resolve(given);
  };
  listen(socket, take, end);
  const ask = (call: string, values: readonly unknown[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      if (socket.destroyed) throw new Error('the door is shut');
      const id = (last = (last + 1) % 2 ** 32);
      const frame = encodeFrame({ id, value: { call, with: values } });
      asked.set(id, { resolve, reject });
      socket.write(frame);
    });
  const callOf = (call: string): [string, (...values: readonly unknown[]) => Promise<unknown>] => [
    call,
    (...values) => ask(call, values),
  ];
  return Object.fromEntries(Object.keys(SHAPES).map(callOf)) as unknown as Door;
}

/** Lets whoever is at the other end of `socket` through `door`. `broken` is called when it does not speak the format. */
export function answerThrough(socket: Duplex, door: Door, broken: () => void): void {
  let under = 0;
  const take = (frame: Frame): void => {
    const asked = questionOf(frame.value);
    if (asked === null) throw new FrameError('a question that is none');
    if (++under >= MOST_AT_ONCE) socket.pause();
    void answerOf(door, asked).then((value) => {
      const sent = (): void => {
        if (--under < MOST_AT_ONCE) socket.resume();
      };
      if (!socket.destroyed) socket.write(encoded(frame.id, value), sent);
    });
  };
  listen(socket, take, () => undefined, broken);
}

interface Question {
  readonly call: DoorCall;
  readonly values: readonly unknown[];
}

function questionOf(value: unknown): Question | null {
  if (typeof value !== 'object' || value === null) return null;
  const { call, with: values } = value as Record<string, unknown>;
  if (typeof call !== 'string' || !Object.hasOwn(SHAPES, call) || !Array.isArray(values)) return null;
  const shapes = SHAPES[call as DoorCall];
  if (values.length !== shapes.length || !shapes.every((shape, at) => isOf(shape, values[at]))) return null;
  return { call: call as DoorCall, values };
}

function isOf(shape: Shape, value: unknown): boolean {
  if (shape === 'text') return typeof value === 'string';
  if (shape === 'number') return Number.isSafeInteger(value);
  if (shape === 'bytes') return Buffer.isBuffer(value);
  return Array.isArray(value) && value.every((one) => Buffer.isBuffer(one));
}

async function answerOf(door: Door, { call, values }: Question): Promise<Answer> {
  try {
    const calls = door as unknown as Readonly<Record<DoorCall, (...given: readonly unknown[]) => Promise<unknown>>>;
    return { value: (await calls[call](...values)) ?? null };
  } catch (error) {
    if (!(error instanceof Refusal)) return {};
    const { code, message, detail } = error;
    return { refused: { code, message, detail } };
  }
}

/** An answer that is too long to be sent is one that could not be given. */
function encoded(id: number, value: Answer): Buffer {
  try {
    return encodeFrame({ id, value });
  } catch {
    return encodeFrame({ id, value: {} });
  }
}

function listen(socket: Duplex, take: (frame: Frame) => void, end: () => void, broken?: () => void): void {
  const reader = new FrameReader(take);
  socket.on('data', (chunk: Buffer) => {
    try {
      reader.push(chunk);
    } catch {
      socket.destroy();
      broken?.();
    }
  });
  // An end that goes away is told by `close`; there is nothing to add.
  socket.on('error', () => undefined);
  socket.once('close', end);
  socket.once('end', () => socket.destroy());
}
