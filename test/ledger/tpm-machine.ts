/** A machine with a TPM of its own, and a store with its slots in it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Test } from 'tap';
import { systemClock } from '../../src/base/clock.js';
import { openStore, type StoreOptions } from '../../src/ledger/open-store.js';
import type { OpenedStore } from '../../src/ledger/opened-store.js';
import { mintDeletionToken, mintLinkToken, type LinkToken } from '../../src/ledger/tokens.js';
import { keyFile } from '../../src/store/root-key.js';
import { SimulatedTpm } from '../store/simulated-tpm.js';

export const INDEX = 0x018c7000;

export interface Machine {
  readonly tpm: SimulatedTpm;
  readonly folder: string;
  readonly options: StoreOptions;
}

export async function machine(t: Test): Promise<Machine> {
  const folder = mkdtempSync(path.join(tmpdir(), 'tpm-'));
  const tpm = new SimulatedTpm(folder);
  t.teardown(async () => {
    await tpm.kill();
    rmSync(folder, { recursive: true });
  });
  await tpm.start();
  return { tpm, folder, options: optionsIn(path.join(folder, 'data'), tpm.socket) };
}

export function optionsIn(dataDir: string, device: string): StoreOptions {
  return {
    dataDir,
    slotDir: dataDir,
    tpm: { device, index: INDEX },
    rootKey: keyFile(path.join(dataDir, 'root.key')),
    storeMegabytes: 16,
    clock: systemClock,
  };
}

export async function opened(t: Test, options: StoreOptions): Promise<OpenedStore> {
  const store = await openStore(options);
  await store.filling;
  t.teardown(() => store.close().catch(() => undefined));
  return store;
}

export async function put({ ledger, arena }: Pick<OpenedStore, 'ledger' | 'arena'>): Promise<LinkToken> {
  const hold = arena.reserve(1)!;
  const [link, deletion] = [mintLinkToken(), mintDeletionToken()];
  await arena.write(hold.units, 0, Buffer.from('content'));
  await arena.sync();
  const share = { link, deletion, secret: Buffer.alloc(32, 4), expiresAt: null, mode: 'never', views: null } as const;
  await ledger.put({ ...share, hasPassphrase: false, held: false, hold });
  return link;
}
