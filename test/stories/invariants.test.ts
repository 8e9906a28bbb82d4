/** Invariants of the design that show only on the running appliance; each test bears its sentence. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'tap';
import { startProcess } from '../recovery/process.js';
import { needs } from '../needs.js';
import { formOf, postForm, startAppliance, upload, type Appliance } from './appliance.js';

const HOUR = 3_600_000;

test.test('no content byte leaves before the tombstone is durable', async (t) => {
  const appliance = await startAppliance();
  t.teardown(() => appliance.stop());
  const { ledger } = appliance.app.store;
  const shared = await upload(appliance.base, null, { fields: { note: 'words', expiry: 'burn' } });
  // The tombstone is held back: everything else is the real ledger.
  const gate: { open: () => void } = { open: () => undefined };
  const held = new Promise<void>((resolve) => {
    gate.open = resolve;
  });
  const takeView = ledger.takeView.bind(ledger);
  const claim = { made: false };
  ledger.takeView = (share) => {
    const taken = takeView(share);
    claim.made = taken !== null;
    return taken === null ? null : { ...taken, durable: taken.durable.then(() => held) };
  };
  let answered = false;
  const answer = fetch(shared.fileUrl, { method: 'POST' }).then((response) => {
    answered = true;
    return response;
  });
  while (!claim.made) await new Promise((resolve) => setTimeout(resolve, 10));
  await new Promise((resolve) => setTimeout(resolve, 300));
  t.notOk(answered, 'not even the head of the answer');
  gate.open();
  t.equal(await (await answer).text(), 'words');
});

/** Begins to read a long file and stops; resolves with what it has when the connection ends. */
function slowReader(appliance: Appliance, token: string): { ended: Promise<number>; started: Promise<void> } {
  const { hostname, port } = new URL(appliance.base);
  const socket = net.connect(Number(port), hostname);
  let bytes = 0;
  socket.on('error', () => undefined);
  const started = new Promise<void>((resolve) => socket.once('readable', resolve));
  socket.write(`GET /file/${token} HTTP/1.1\r\nHost: x\r\n\r\n`);
  const ended = new Promise<number>((resolve) => socket.once('close', () => resolve(bytes)));
  const timer = setInterval(() => {
    const piece = socket.read(16_384) as Buffer | null;
    bytes += piece?.length ?? 0;
  }, 50);
  socket.once('close', () => clearInterval(timer));
  return { ended, started };
}

test.test('after expiry no request gets content, and answers that are under way end within two seconds', async (t) => {
  const appliance = await startAppliance();
  t.teardown(() => appliance.stop());
  const long = Buffer.alloc(8_000_000, 'words ');
  const expiring = await upload(appliance.base, long, { name: 'a.txt', fields: { expiry: '1h' } });
  const deleted = await upload(appliance.base, long, { name: 'b.txt' });
  const readers = [slowReader(appliance, expiring.token), slowReader(appliance, deleted.token)];
  await Promise.all(readers.map(({ started }) => started));
  appliance.clock.forward(HOUR);
  t.equal((await fetch(expiring.fileUrl)).status, 404);
  await fetch(deleted.deleteUrl, { method: 'DELETE' });
  const within = async (ended: Promise<number>): Promise<number> =>
    Promise.race([ended, new Promise<number>((resolve) => setTimeout(() => resolve(-1), 2000))]);
  for (const { ended } of readers) {
    const bytes = await within(ended);
    t.ok(bytes >= 0 && bytes < long.length, `cut off after ${bytes} bytes`);
  }
});

test.test('a failed write or sync ends the process, and nothing is acknowledged', needs('prlimit'), async (t) => {
  const dir = await mkdtemp(path.join(tmpdir(), 'chatpic-fault-'));
  t.teardown(() => rm(dir, { recursive: true, force: true }));
  const settings = { CHATPIC_DATA_DIR: path.join(dir, 'var'), CHATPIC_LISTEN: '127.0.0.1:0', CHATPIC_STORE_MB: '32' };
  const life = startProcess(settings);
  const base = await life.ready;
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const kept = await upload(base, null, { fields: { note: 'kept' } });
  // From now on the system refuses every write beyond the first byte of a file.
  t.equal(spawnSync('prlimit', ['--pid', String(life.child.pid), '--fsize=1:1']).status, 0);
  const ended = once(life.child, 'close');
  const answer = await postForm(base, formOf(null, { fields: { note: 'lost' } })).then(
    (response) => response.status,
    () => 'cut off' as const,
  );
  t.not(answer, 201);
  await ended;
  const next = startProcess(settings);
  const again = await next.ready;
  t.equal(await (await fetch(`${again}/file/${kept.token}`)).text(), 'kept', 'what was acknowledged is there');
  t.equal(await next.stop(), 0);
});

test.test('GET never changes state', async (t) => {
  const appliance = await startAppliance();
  t.teardown(() => appliance.stop());
  const { base } = appliance;
  const { ledger } = appliance.app.store;
  const shares = [
    await upload(base, null, { fields: { note: 'a', expiry: 'burn' } }),
    await upload(base, null, { fields: { note: 'b', views: '3' } }),
    await upload(base, null, { fields: { note: 'c', passphrase: 'p' } }),
  ];
  const stateOf = async (): Promise<string> => {
    const states = shares.map(async ({ deleteUrl }) =>
      (await fetch(deleteUrl, { headers: { Accept: 'application/json' } })).text(),
    );
    return `${ledger.live} ${(await Promise.all(states)).join(' ')}`;
  };
  const before = await stateOf();
  for (const { token, deleteToken } of shares) {
    for (const target of [
      ...['view', 'file', 'report', 'delete', 'open'].map((room) => `/${room}/${token}`),
      `/file/${token}/1?download`,
      `/delete/${deleteToken}?action=delete`,
      `/delete/${deleteToken}?action=shorten&expiry=1h`,
      `/view/${token}?passphrase=p`,
      `/delete?token=${deleteToken}`,
      `/?note=x&expiry=never`,
    ]) {
      for (const accept of ['text/html', '*/*']) {
        for (const method of ['GET', 'HEAD']) {
          await (await fetch(`${base}${target}`, { method, headers: { Accept: accept } })).arrayBuffer();
        }
      }
    }
  }
  t.equal(await stateOf(), before);
});
