/** A real implementation of TPM 2.0 (libtpms in `swtpm`) in a folder of its own, which a test may kill and start again. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export class SimulatedTpm {
  readonly socket: string;
  readonly #folder: string;
  #child: ChildProcess | null = null;

  /** `folder` is made. Its path must be short: a socket's has 107 bytes at most. */
  constructor(folder: string) {
    this.#folder = path.join(folder, 'state');
    this.socket = path.join(folder, 'tpm');
    mkdirSync(this.#folder, { recursive: true });
  }

  /** The power comes on, and the firmware starts the TPM. */
  async start(): Promise<void> {
    const server = ['--server', `type=unixio,path=${this.socket}`, '--ctrl', `type=unixio,path=${this.socket}.ctrl`];
    const flags = ['--flags', 'not-need-init,startup-clear', '--tpmstate', `dir=${this.#folder}`];
    for (const old of [this.socket, `${this.socket}.ctrl`]) rmSync(old, { force: true });
    this.#child = spawn('swtpm', ['socket', '--tpm2', ...server, ...flags], { stdio: 'ignore' });
    for (let tries = 0; !isHeard(this.socket) || !isHeard(`${this.socket}.ctrl`); tries++) {
      if (tries > 500 || this.#child.exitCode !== null) throw new Error('swtpm did not start');
      await sleep(10);
    }
  }

  /** The power fails. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  /** Another chip, or this one cleared: nothing that was in it is there. */
  async replace(): Promise<void> {
    await this.kill();
    for (const name of readdirSync(this.#folder)) rmSync(path.join(this.#folder, name));
    await this.start();
  }

  /** All that it keeps: its files, as they are now. */
  memory(): Buffer {
    return Buffer.concat(readdirSync(this.#folder).map((name) => readFileSync(path.join(this.#folder, name))));
  }
}

/** Whether somebody listens there: the kernel's table says so, where a socket that is only bound refuses. */
function isHeard(at: string): boolean {
  const lines = readFileSync('/proc/net/unix', 'latin1').split('\n');
  return lines.some((line) => line.endsWith(` ${at}`) && line.split(' ')[3] === '00010000');
}
