/**
 * Invariant 23, in the memory of the two processes: the senders' process never has the staff's private key, and the desk's
 * never has a link or a share's secret S. The appliance runs as `npm start` runs it.
 */
import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'tap';
import { parseLinkToken } from '../../src/ledger/tokens.js';
import { startProcess } from '../recovery/process.js';
import { startAppliance, upload } from './appliance.js';
import { ALICE, Moderator, queued, report, staffed } from './moderator.js';

const LINUX = existsSync('/proc/self/mem') ? {} : { skip: 'needs a /proc with memory' };
const FLAGS = ['--expose-gc', '--clear-free-memory', '--disable-proto=delete'];
const PIECE = 8 * 1024 * 1024;
/** Longer than any needle. */
const OVERLAP = 128;

/** Which of the needles stand in the writable memory of a process. */
function foundIn(pid: number, needles: Readonly<Record<string, Buffer>>): string[] {
  const found = new Set<string>();
  const room = Buffer.alloc(PIECE);
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  for (const line of readFileSync(`/proc/${pid}/maps`, 'latin1').split('\n')) {
    const [, from = '', to = '', mode = ''] = /^([0-9a-f]+)-([0-9a-f]+) (\S+)/.exec(line) ?? [];
    if (!mode.startsWith('rw')) continue;
    const end = Number(`0x${to}`);
    for (let at = Number(`0x${from}`); at < end; at += PIECE - OVERLAP) {
      const length = readSome(memory, room, Math.min(PIECE, end - at), at);
      for (const [name, needle] of Object.entries(needles))
        if (room.subarray(0, length).includes(needle)) found.add(name);
    }
  }
  closeSync(memory);
  return [...found].sort();
}

/** Some mappings can't be read: guard pages, devices. */
function readSome(memory: number, room: Buffer, length: number, at: number): number {
  try {
    return readSync(memory, room, 0, length, at);
  } catch {
    return 0;
  }
}

function deskPidOf(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim().split(' ').map(Number);
  return children.find((child) => readFileSync(`/proc/${child}/cmdline`, 'latin1').includes('desk/main.js')) ?? 0;
}

/** Whether it comes true within some seconds. */
async function soon(condition: () => boolean): Promise<boolean> {
  for (let tries = 0; tries < 50; tries++) {
    if (condition()) return true;
    await sleep(200);
  }
  return false;
}

function bothWidths(name: string, text: string): Record<string, Buffer> {
  return { [name]: Buffer.from(text, 'latin1'), [`${name}, wide`]: Buffer.from(text, 'utf16le') };
}

test.test('each process has its own secrets and never the other\u2019s', { ...LINUX }, async (t) => {
  const before = await startAppliance();
  t.teardown(() => before.stop());
  const { accounts } = await staffed(before);
  const { ledger } = before.app.store;
  const signedIn = await accounts.signIn(ALICE.name, ALICE.passphrase, ledger.now());
  const shared = await upload(before.base, null, { fields: { note: 'reported words of a note' } });
  const share = ledger.find(parseLinkToken(shared.token)!);
  const secret = share === null ? null : ledger.secretOf(share);
  if (signedIn.kind !== 'in' || secret === null) throw new Error('no key');
  await before.app.close(0);

  const settings = {
    CHATPIC_DATA_DIR: path.join(before.dir, 'var'),
    CHATPIC_LISTEN: '127.0.0.1:0',
    CHATPIC_STORE_MB: '64',
  };
  const life = startProcess(settings, FLAGS);
  t.teardown(() => life.kill());
  const address = await life.ready;
  const senders = life.child.pid ?? 0;
  const desk = deskPidOf(senders);
  const needles = {
    'private key': signedIn.privateKey,
    ...bothWidths('passphrase', ALICE.passphrase),
    S: secret,
    ...bothWidths('link', shared.token),
    ...bothWidths('deletion token', shared.deleteToken),
  };
  const own = ['S', 'deletion token', 'deletion token, wide', 'link', 'link, wide'];

  await report(address, shared.token, 'violence', `the link is ${shared.token}`);
  const deskAddress = /Staff desk: +(http\S+?)\/\n/.exec(life.output())?.[1] ?? '';
  const alice = await Moderator.signedIn(deskAddress);
  const [fileId = ''] = queued(await alice.get('/'));
  await alice.get(`/case/${fileId}`);
  await alice.post(`/case/${fileId}/see`);
  t.match((await alice.get(`/case/${fileId}`)).html, /reported words of a note/);

  const inSenders = foundIn(senders, needles);
  t.strictSame(
    inSenders.filter((name) => !own.includes(name)),
    [],
    'the senders\u2019 process',
  );
  t.ok(inSenders.includes('S'), 'where S is, it is found');
  const inDesk = foundIn(desk, needles);
  t.strictSame(
    inDesk.filter((name) => own.includes(name)),
    [],
    'the desk\u2019s process',
  );
  t.ok(inDesk.includes('private key'), 'where the key is, it is found');

  await alice.get('/');
  await alice.post('/sign-out');
  const gone = await soon(() => !foundIn(desk, needles).includes('private key'));
  t.ok(gone, 'after the sign-out it is wiped, OpenSSL\u2019s copies too');
  t.equal(await life.stop(), 0);
  t.notOk(existsSync(`/proc/${desk}`), 'the desk ends with the appliance');
});

test.test('a desk does not outlive an appliance that was killed', { ...LINUX }, async (t) => {
  const before = await startAppliance();
  t.teardown(() => before.stop());
  await before.app.close(0);
  const life = startProcess({
    CHATPIC_DATA_DIR: path.join(before.dir, 'var'),
    CHATPIC_LISTEN: '127.0.0.1:0',
    CHATPIC_STORE_MB: '64',
  });
  await life.ready;
  const desk = deskPidOf(life.child.pid ?? 0);
  t.ok(readdirSync('/proc').includes(String(desk)));
  await life.kill();
  t.ok(await soon(() => !existsSync(`/proc/${desk}`)));
});
