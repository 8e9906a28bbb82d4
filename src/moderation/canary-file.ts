/**
 * The canary that the operator has put out: a signed file and, as `FILE.pub` beside it, the key it is verified with. Both are
 * read when somebody asks, so a new one is out as soon as it is copied over the old. What is not signed by that key is not
 * shown as if it were: null.
 */
import { readFile } from 'node:fs/promises';
import { openCanary, parseCanaryPublicKey, type Canary } from './canary.js';

export interface PublishedCanary extends Canary {
  /** The file as it is, to be verified by anybody. */
  readonly text: string;
  /** The key's file, as signify reads it. */
  readonly publicKey: string;
}

export class CanaryFile {
  readonly #file: string | null;

  /** `file` null = this site has no canary. */
  constructor(file: string | null) {
    this.#file = file;
  }

  /** Null where there is none, or none that its key has signed. */
  async read(): Promise<PublishedCanary | null> {
    if (this.#file === null) return null;
    const [text, publicKey] = await Promise.all([textOf(this.#file), textOf(`${this.#file}.pub`)]);
    const key = parseCanaryPublicKey(publicKey);
    const canary = key === null ? null : openCanary(key, text);
    return canary === null ? null : { ...canary, text, publicKey };
  }
}

function textOf(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(() => '');
}
