/** One tor of the private network: its folder, its process, and what can be learnt from its files. */
import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const STOP_WAIT = 3000;
const POLL = 100;

export class TorNode {
  readonly name: string;
  readonly folder: string;
  #child: ChildProcess | null = null;
  #ended: Promise<void> = Promise.resolve();

  constructor(root: string, name: string) {
    this.name = name;
    this.folder = path.join(root, name);
    mkdirSync(path.join(this.folder, 'keys'), { recursive: true, mode: 0o700 });
    chmodSync(this.folder, 0o700);
  }

  file(name: string): string {
    return path.join(this.folder, name);
  }

  /** A file of the node's, or nothing while it has none. */
  text(name: string): string {
    try {
      return readFileSync(this.file(name), 'latin1');
    } catch {
      return '';
    }
  }

  configure(text: string): void {
    writeFileSync(this.file('torrc'), text);
  }

  start(): void {
    const args = ['--defaults-torrc', '/dev/null', '-f', this.file('torrc')];
    const child = spawn('tor', args, { stdio: 'ignore' });
    this.#child = child;
    this.#ended = new Promise((resolve) => {
      child.once('exit', () => {
        if (this.#child === child) this.#child = null;
        resolve();
      });
      child.once('error', () => resolve());
    });
  }

  signal(name: 'SIGHUP' | 'SIGTERM' | 'SIGKILL'): void {
    this.#child?.kill(name);
  }

  async stop(): Promise<void> {
    if (this.#child === null) return;
    this.signal('SIGTERM');
    const insist = setTimeout(() => this.signal('SIGKILL'), STOP_WAIT);
    await this.#ended;
    clearTimeout(insist);
  }

  /** Waits until `is` holds; throws with the node's last words when it ended or the time is over. */
  async until(what: string, is: () => boolean | Promise<boolean>, deadline: number): Promise<void> {
    while (!(await is())) {
      const over = Date.now() > deadline;
      if (over || this.#child === null) {
        const said = this.text('notice.log').split('\n').slice(-6).join('\n');
        throw new Error(`${this.name}: ${over ? 'not in time' : 'ended'} while waiting for ${what}\n${said}`);
      }
      await sleep(POLL);
    }
  }

  consensusRelays(): number {
    return count(this.text('cached-microdesc-consensus'), /^r /gm);
  }

  microdescriptors(): number {
    return count(this.text('cached-microdescs') + this.text('cached-microdescs.new'), /^ntor-onion-key /gm);
  }

  get bootstrapped(): boolean {
    return this.text('notice.log').includes('Bootstrapped 100%');
  }
}

export function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}
