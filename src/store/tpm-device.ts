/**
 * One command to a TPM, one answer back: over the kernel's device (`/dev/tpmrm0`, tpm(4)), or over the Unix socket of a
 * simulator (`swtpm socket`). Opened for each command and closed again, so that nothing is held between rounds that come
 * an hour apart, and `chatpic panic` gets through while the service runs.
 */
import { constants } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { secretBytes, wipe } from '../base/bytes.js';
import type { Exchange } from './tpm.js';

/** The kernel's own bound on an answer. */
const LONGEST_ANSWER = 4096;
const HEADER = 10;
const SOCKET_PATIENCE = 60_000;
/** `/dev/tpm0` opens for one at a time; `/dev/tpmrm0` for all. */
const MOST_TRIES = 100;
const PAUSE = 20;

/** `at` is a device or a socket; which, is looked at with each command. Commands are sent one after the other. */
export function tpmAt(at: string): Exchange {
  let last: Promise<unknown> = Promise.resolve();
  return (command) => {
    const answer = last.then(() => exchange(at, command));
    last = answer.catch(() => undefined);
    return answer;
  };
}

export async function isSocket(at: string): Promise<boolean> {
  return (await stat(at)).isSocket();
}

async function exchange(at: string, command: Buffer): Promise<Buffer> {
  return (await isSocket(at)) ? overSocket(at, command) : overDevice(at, command);
}

async function overDevice(at: string, command: Buffer): Promise<Buffer> {
  const device = await openWhenFree(at);
  const answer = secretBytes(LONGEST_ANSWER);
  try {
    await device.write(command, 0, command.length, null);
    let length = 0;
    while (!isWhole(answer, length)) {
      const { bytesRead } = await device.read(answer, length, answer.length - length, null);
      if (bytesRead === 0) throw cutOff();
      length += bytesRead;
    }
    return answer;
  } catch (error) {
    wipe(answer);
    throw error;
  } finally {
    await device.close();
  }
}

async function openWhenFree(at: string) {
  for (let tries = 1; ; tries++) {
    try {
      return await open(at, constants.O_RDWR | constants.O_NOCTTY);
    } catch (error) {
      const busy = error instanceof Error && 'code' in error && error.code === 'EBUSY';
      if (!busy || tries === MOST_TRIES) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}

async function overSocket(at: string, command: Buffer): Promise<Buffer> {
  const answer = secretBytes(LONGEST_ANSWER);
  let length = 0;
  return new Promise((resolve, reject) => {
    const socket = connect(at);
    const fail = (error: Error): void => {
      wipe(answer);
      socket.destroy();
      reject(error);
    };
    socket.setTimeout(SOCKET_PATIENCE, () => fail(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })));
    socket.on('error', fail);
    socket.on('end', () => fail(cutOff()));
    socket.on('data', (piece) => {
      length += piece.copy(answer, length);
      wipe(piece);
      try {
        if (!isWhole(answer, length)) return;
        socket.removeAllListeners('end').destroy();
        resolve(answer);
      } catch (error) {
        fail(error instanceof Error ? error : cutOff());
      }
    });
    socket.write(command);
  });
}

/** The header says how long it all is: tag 2, size 4, code 4. */
function isWhole(answer: Buffer, length: number): boolean {
  if (length < HEADER) return false;
  const size = answer.readUInt32BE(2);
  if (size < HEADER || size > answer.length) throw cutOff();
  return length >= size;
}

function cutOff(): Error {
  return Object.assign(new Error('the answer was cut off'), { code: 'EIO' });
}
