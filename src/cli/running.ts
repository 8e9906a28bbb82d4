/** Asks the appliance that runs on this data folder, where one does: the client of `web/control.ts`. */
import http from 'node:http';
import { Refusal, type RefusalCode } from '../base/errors.js';

interface Answer {
  readonly error?: RefusalCode;
  readonly message?: string;
}

/** What it answered; null where none runs, or where it has no such door. Throws its refusals. */
export async function askRunning<T extends object>(
  socketPath: string | null,
  call: string,
  body: object = {},
): Promise<T | null> {
  if (socketPath === null) return null;
  const [method = '', path = ''] = call.split(' ');
  const text = await exchange(socketPath, method, path, JSON.stringify(body));
  if (text === null) return null;
  const answer = JSON.parse(text) as T & Answer;
  if (answer.error !== undefined) throw new Refusal(answer.error, answer.message ?? 'it was refused');
  return answer;
}

/** Nobody listens, or there is no socket: then nothing runs. Anything else is a failure that the operator must see. */
const NOBODY: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ECONNREFUSED']);

function exchange(socketPath: string, method: string, path: string, body: string): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) };
    const request = http.request({ socketPath, method, path, headers }, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => void pieces.push(piece));
      response.on('end', () => resolve(Buffer.concat(pieces).toString('utf8')));
      response.on('error', reject);
    });
    request.on('error', (error: NodeJS.ErrnoException) => {
      if (NOBODY.has(error.code)) resolve(null);
      else reject(error);
    });
    request.end(body);
  });
}
