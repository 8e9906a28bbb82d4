/** The mirror's certificate: the operator's files, made anew where they are named and not there yet. */
import { readFile, writeFile } from 'node:fs/promises';
import type { TlsFiles } from './mirror.js';

export interface TlsPaths {
  readonly certificate: string;
  readonly key: string;
}

/**
 * Reads the PEM files. Where neither is there, the first start makes a self-signed pair in their places, and a request for an
 * authority beside the certificate (`.csr`). One without the other is an error of the operator's, and throws.
 */
export async function loadTls({ certificate, key }: TlsPaths, host: string, now: number): Promise<TlsFiles> {
  const [there, keyThere] = await Promise.all([readIfThere(certificate), readIfThere(key)]);
  if (there !== null && keyThere !== null) return { certificate: there, key: keyThere };
  if (there !== null || keyThere !== null)
    throw new Error('of CHATPIC_TLS_CERT and CHATPIC_TLS_KEY only one file is there');
  // Needed once in a mirror's life, and it would take megabytes of memory for all of it.
  const { selfSigned } = await import('./certificate.js');
  const made = await selfSigned(host, now);
  await writeFile(key, made.key, { mode: 0o600, flag: 'wx' });
  await writeFile(certificate, made.certificate, { flag: 'wx' });
  await writeFile(`${certificate}.csr`, made.request);
  return made;
}

async function readIfThere(file: string): Promise<Buffer | null> {
  try {
    return await readFile(file);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}
