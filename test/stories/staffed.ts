/** An appliance with a moderator who is signed in, and what that person can do with a case. */
import type { Test } from 'tap';
import { bufferSource, readAll } from '../../src/base/source.js';
import { CONTEXT } from '../../src/crypto/labels.js';
import { openStream } from '../../src/crypto/stream.js';
import { parseLinkToken } from '../../src/ledger/tokens.js';
import { openShareKey } from '../../src/moderation/staff-seal.js';
import { startAppliance, type Appliance, type Shared } from './appliance.js';

const STAFF = { name: 'alice', passphrase: 'correct horse battery staple' };

export interface Staffed extends Appliance {
  readonly privateKey: Buffer;
}

export async function staffed(t: Test, settings: Readonly<Record<string, string>> = {}): Promise<Staffed> {
  const appliance = await startAppliance({ settings });
  t.teardown(() => appliance.stop());
  const { accounts } = appliance.app.moderation;
  const now = appliance.app.store.ledger.now();
  await accounts.createFirst(STAFF.name, STAFF.passphrase, now);
  const signedIn = await accounts.signIn(STAFF.name, STAFF.passphrase, now);
  if (signedIn.kind !== 'in') throw new Error('not signed in');
  return Object.assign(appliance, { privateKey: signedIn.privateKey });
}

export async function report({ base }: Appliance, { token }: Shared): Promise<boolean> {
  const body = new URLSearchParams({ reason: 'violence' });
  const response = await fetch(`${base}/report/${token}`, {
    method: 'POST',
    body,
    headers: { Accept: 'application/json' },
  });
  return ((await response.json()) as { evidence: boolean }).evidence;
}

export function fileIdOf({ app }: Appliance, { token }: Shared): string {
  const link = parseLinkToken(token);
  return (link === null ? null : app.store.ledger.find(link)?.fileId) ?? '';
}

/** All that a moderator can open of a case: its plaintext; null where nothing is held. */
export async function seenByStaff({ app, privateKey }: Staffed, fileId: string): Promise<Buffer | null> {
  const evidence = app.moderation.openEvidence(fileId);
  if (evidence === null) return null;
  const key = openShareKey(privateKey, 'key', fileId, evidence.sealedKey);
  if (key === null) throw new Error('sealed to somebody else');
  const stream = await openStream(key, CONTEXT.share, bufferSource(await readAll(evidence.content)));
  if (stream === null) throw new Error('another key than its content has');
  const all = await stream.read(0, 4096);
  stream.close();
  evidence.close();
  return all;
}
