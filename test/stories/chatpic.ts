/** Runs the operator's tool as an operator does. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { MAIN } from '../recovery/process.js';

export interface Said {
  readonly code: number | null;
  readonly out: string;
  readonly errors: string;
}

/** The operator's tool, on the folder of an appliance that stands still. */
export function chatpic(dir: string, ...args: readonly string[]): Promise<Said> {
  const env = { PATH: process.env['PATH'], CHATPIC_DATA_DIR: path.join(dir, 'var'), CHATPIC_STORE_MB: '64' };
  const child = spawn(process.execPath, [MAIN, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, errors] = ['', ''];
  child.stdout.on('data', (bytes: Buffer) => (out += bytes.toString()));
  child.stderr.on('data', (bytes: Buffer) => (errors += bytes.toString()));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, out, errors })));
}
