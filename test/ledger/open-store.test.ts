/** The whole store on the real disk: made, opened again, locked, refused, verified, destroyed, killed. */
import { spawn } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import test, { type Test } from 'tap';
import { systemClock } from '../../src/base/clock.js';
import { growStore } from '../../src/ledger/grow-store.js';
import { openStore, type StoreOptions } from '../../src/ledger/open-store.js';
import type { OpenedStore } from '../../src/ledger/opened-store.js';
import { mintDeletionToken, mintLinkToken, type LinkToken } from '../../src/ledger/tokens.js';
import { verifyStore } from '../../src/ledger/verify-store.js';
import { destroySlots } from '../../src/store/panic.js';
import { credential, keyFile, passphrase } from '../../src/store/root-key.js';

const STORE_MB = 8;

function optionsIn(dataDir: string): StoreOptions {
  return {
    dataDir,
    slotDir: dataDir,
    rootKey: keyFile(path.join(dataDir, 'root.key')),
    storeMegabytes: STORE_MB,
    clock: systemClock,
  };
}

function folderOf(t: Test): string {
  return path.join(t.testdir({}), 'data');
}

async function opened(t: Test, options: StoreOptions): Promise<OpenedStore> {
  const store = await openStore(options);
  t.teardown(() => store.close());
  return store;
}

async function put({ ledger, arena }: OpenedStore, content: Buffer): Promise<LinkToken> {
  const hold = arena.reserve(Math.max(1, Math.ceil(content.length / arena.unitBytes)))!;
  const [link, deletion] = [mintLinkToken(), mintDeletionToken()];
  await arena.write(hold.units, 0, content);
  await arena.sync();
  const share = { link, deletion, secret: Buffer.alloc(32, 4), expiresAt: null, mode: 'never', views: null } as const;
  await ledger.put({ ...share, hasPassphrase: false, held: false, hold });
  return link;
}

function listing(folder: string): string[] {
  return readdirSync(folder).map((name) => {
    const { size, mode } = statSync(path.join(folder, name));
    return `${name} ${size} ${(mode & 0o777).toString(8)}`;
  });
}

test.test('after init the names, sizes and number of files never change', async (t) => {
  const options = optionsIn(folderOf(t));
  const store = await opened(t, options);
  t.equal(store.made, true);
  const first = listing(options.dataDir);
  t.equal(first.length, 8, 'seven files and the root key');
  t.ok(
    first.every((line) => line.endsWith(' 600')),
    first.join(),
  );
  t.equal(statSync(options.dataDir).mode & 0o777, 0o700);
  await store.filling;
  const link = await put(store, Buffer.alloc(700_000, 1));
  await store.ledger.remove(store.ledger.find(link)!, 'deleted');
  await store.roll();
  t.strictSame(listing(options.dataDir), first);
  await store.close();
  await store.close();
  const again = await opened(t, options);
  t.equal(again.made, false);
  t.strictSame(listing(options.dataDir), first);
});

test.test('a store that is used and one that is empty look the same: random, whole, nothing readable', async (t) => {
  const options = optionsIn(folderOf(t));
  const store = await opened(t, options);
  await store.filling;
  await put(store, Buffer.from('a caption that nobody should find'.repeat(100)));
  await store.close();
  for (const name of readdirSync(options.dataDir)) {
    const bytes = readFileSync(path.join(options.dataDir, name));
    t.notOk(bytes.includes('SQLite format'), name);
    // The arena test writes plaintext itself; every other byte on the disk must be spread evenly.
    if (name === 'arena' || bytes.length < 4096) continue;
    for (let at = 0; at + 4096 <= bytes.length; at += 4096) {
      const distinct = new Set(bytes.subarray(at, at + 4096)).size;
      if (distinct < 250) t.fail(`${name} at ${at} has only ${distinct} different bytes`);
    }
  }
});

test.test('a share and its content survive a restart', async (t) => {
  const options = optionsIn(folderOf(t));
  const store = await opened(t, options);
  await store.filling;
  const content = Buffer.from(Array.from({ length: 600_000 }, (_, index) => index % 251));
  const link = await put(store, content);
  await store.close();
  const again = await opened(t, options);
  const share = again.ledger.find(link)!;
  t.ok((await again.arena.read(share.units, 0, content.length)).equals(content));
  t.ok((await again.arena.read(share.units, 262_100, 100)).equals(content.subarray(262_100, 262_200)));
});

test.test('a first start answers within 2 seconds and hands out units before all are filled', async (t) => {
  const seen: number[] = [];
  const options = { ...optionsIn(folderOf(t)), storeMegabytes: 64, onFilling: (filled: number) => seen.push(filled) };
  const start = performance.now();
  const store = await opened(t, options);
  const took = performance.now() - start;
  t.ok(took < 2000, `${Math.round(took)} ms`);
  await store.filling;
  t.equal(seen[0], 4);
  t.strictSame(store.arena.capacity(), { total: 244, filled: 244, free: 244 });
});

test.test('filling goes on where an earlier life came to', async (t) => {
  const options = { ...optionsIn(folderOf(t)), storeMegabytes: 64 };
  const store = await opened(t, options);
  await store.close();
  const { filled } = store.arena.capacity();
  const again = await opened(t, options);
  t.ok(again.arena.capacity().filled >= filled);
  await again.filling;
  t.equal(again.arena.capacity().filled, 244);
});

test.test('a second process on the same data folder is refused with a clear sentence', async (t) => {
  const options = optionsIn(folderOf(t));
  const store = await opened(t, options);
  const inUse = { message: 'another process has this data folder open' };
  await t.rejects(openStore(options), inUse);
  await t.rejects(verifyStore(options), inUse);
  const child = spawn(process.execPath, ['--input-type=module', '-e', CHILD], { env: childEnvironment(options) });
  const [line] = await linesOf(child, 1);
  child.kill();
  t.equal(line, 'refused data folder');
  await store.close();
  await (await opened(t, options)).close();
});

test.test('a wrong root key, a missing one and a readable one are refused', async (t) => {
  const options = optionsIn(folderOf(t));
  await (await opened(t, options)).close();
  const file = path.join(options.dataDir, 'root.key');
  const key = readFileSync(file);
  writeFileSync(file, Buffer.alloc(32, 1));
  await t.rejects(openStore(options), { message: /neither .* opens with this root key/ });
  writeFileSync(file, key.subarray(1));
  await t.rejects(openStore(options), { message: 'the root key file has 31 bytes, expected 32' });
  writeFileSync(file, key);
  chmodSync(file, 0o644);
  await t.rejects(openStore(options), { message: /can be read by others/ });
  rmSync(file);
  await t.rejects(openStore(options), { message: /root key file could not be read \(ENOENT\)/ });
  t.notOk(readdirSync(options.dataDir).includes('root.key'), 'no new key is made over an old store');
});

test.test('a passphrase, under a salt of its own, opens the store and no other does', async (t) => {
  const dataDir = folderOf(t);
  const cost = { N: 1024, r: 8, p: 1 };
  const by = (words: string): StoreOptions => ({
    ...optionsIn(dataDir),
    rootKey: passphrase(() => Promise.resolve(Buffer.from(words)), path.join(dataDir, 'root.salt'), cost),
  });
  await (await opened(t, by('correct horse'))).close();
  await t.rejects(openStore(by('battery')), { message: /neither/ });
  await t.rejects(openStore(by('')), { message: 'the passphrase is empty' });
  t.equal((await opened(t, by('correct horse'))).made, false);
});

test.test('a credential is read and never made', async (t) => {
  const file = path.join(t.testdir({}), 'credential');
  await t.rejects(credential(file).load(true), { message: /ENOENT/ });
  writeFileSync(file, Buffer.alloc(32, 3), { mode: 0o400 });
  t.strictSame(await credential(file).load(true), Buffer.alloc(32, 3));
});

test.test('data made with a different CHATPIC_STORE_MB is refused and says which', async (t) => {
  const options = optionsIn(folderOf(t));
  await (await opened(t, options)).close();
  const refused = await openStore({ ...options, storeMegabytes: 2 * STORE_MB }).catch((error: unknown) => error);
  t.match(refused, { part: /snap.a|arena/, remedy: new RegExp(`CHATPIC_STORE_MB to ${STORE_MB}\\b|what this data`) });
});

test.test('an unreadable data folder, a file in its place and a full disk are refused', async (t) => {
  const file = path.join(t.testdir({ plain: 'text' }), 'plain');
  await t.rejects(openStore(optionsIn(file)), { message: /data folder: make failed \((EEXIST|ENOTDIR)\)/ });
  await t.rejects(openStore({ ...optionsIn(folderOf(t)), storeMegabytes: 500_000 }), {
    message: /MiB of free disk space/,
  });
  if (process.getuid?.() === 0) return;
  const locked = t.testdir({ locked: {} });
  chmodSync(path.join(locked, 'locked'), 0);
  await t.rejects(openStore(optionsIn(path.join(locked, 'locked', 'data'))), { message: /EACCES/ });
});

test.test('slots that vanish from RAM mean that all is gone, from a disk that they are missing', async (t) => {
  const slotDir = `/dev/shm/chatpic-test-${process.pid}-b`;
  t.teardown(() => rmSync(slotDir, { recursive: true, force: true }));
  const options = { ...optionsIn(folderOf(t)), slotDir };
  const store = await opened(t, options);
  await store.filling;
  const link = await put(store, Buffer.from('x'));
  await store.close();
  rmSync(slotDir, { recursive: true });
  const again = await opened(t, options);
  t.equal(again.made, true);
  t.equal(again.ledger.find(link), null);
  await again.close();
  const onDisk = optionsIn(path.join(t.testdir({}), 'other'));
  await (await opened(t, onDisk)).close();
  for (const set of ['a', 'b']) rmSync(path.join(onDisk.dataDir, `slot.${set}`));
  await t.rejects(openStore(onDisk), { message: 'slot.a, slot.b are missing' });
});

test.test('a making that was cut off begins anew', async (t) => {
  const options = optionsIn(folderOf(t));
  mkdirSync(options.dataDir);
  writeFileSync(path.join(options.dataDir, 'unfinished'), '');
  writeFileSync(path.join(options.dataDir, 'slot.a'), 'half');
  const store = await opened(t, options);
  t.equal(store.made, true);
  t.equal(listing(options.dataDir).length, 8);
});

test.test('verify reads everything and changes nothing', async (t) => {
  const options = optionsIn(folderOf(t));
  await t.rejects(verifyStore(options), { message: /data folder: stat failed \(ENOENT\)/ });
  const store = await opened(t, options);
  await store.filling;
  await put(store, Buffer.from('x'));
  await store.close();
  const all = (): Buffer[] =>
    readdirSync(options.dataDir).map((name) => readFileSync(path.join(options.dataDir, name)));
  const before = all();
  const said = await verifyStore(options);
  t.match(said, { live: 1, torn: false, units: { total: 30, filled: 30, owned: 1 } });
  t.strictSame(all(), before);
  truncateSync(path.join(options.dataDir, 'log.a'), 4096);
  await t.rejects(verifyStore(options), { part: 'log.a' } as never);
});

test.test('a store grows by an operator’s act, keeps what it has, and never shrinks', async (t) => {
  const options = optionsIn(folderOf(t));
  const store = await opened(t, options);
  await store.filling;
  const link = await put(store, Buffer.from('kept'));
  await t.rejects(growStore({ ...options, storeMegabytes: 64 }), { message: /another process/ });
  await store.close();
  await t.rejects(growStore({ ...options, storeMegabytes: 4 }), { message: /bytes already/ });
  const larger = { ...options, storeMegabytes: 400 };
  await t.rejects(openStore(larger), { message: /has .* bytes, expected/ });
  await growStore(larger);
  await growStore(larger);
  await t.rejects(openStore(options), { message: /has .* bytes, expected/ });
  const again = await openStore(larger);
  const share = again.ledger.find(link)!;
  t.strictSame(await again.arena.read(share.units, 0, 4), Buffer.from('kept'));
  t.equal(again.arena.capacity().total, 1525);
  await again.close();
  t.match(await verifyStore(larger), { live: 1 });
});

test.test('panic leaves nothing to open, in under a second, with and without the store open', async (t) => {
  const options = optionsIn(folderOf(t));
  const store = await opened(t, options);
  await store.filling;
  await put(store, Buffer.from('x'));
  const rounds = [store.roll(), store.roll()].map((round) => round.catch(() => undefined));
  const start = performance.now();
  await store.panic();
  t.ok(performance.now() - start < 1000);
  await Promise.all(rounds);
  await store.close();
  await t.rejects(openStore(options), { message: /neither/ });

  const other = optionsIn(path.join(t.testdir({}), 'other'));
  await (await opened(t, other)).close();
  await destroySlots(other);
  await t.rejects(openStore(other), { message: /neither/ });
  await t.rejects(destroySlots({ slotDir: path.join(other.dataDir, 'nowhere') }), { message: /no slots/ });
});

/** A process that shares and deletes as fast as it can, and says what was acknowledged. */
const CHILD = `
  import { openStore } from ${JSON.stringify(moduleUrl('ledger/open-store.js'))};
  import { keyFile } from ${JSON.stringify(moduleUrl('store/root-key.js'))};
  import { systemClock } from ${JSON.stringify(moduleUrl('base/clock.js'))};
  import { mintLinkToken, mintDeletionToken } from ${JSON.stringify(moduleUrl('ledger/tokens.js'))};
  const dataDir = process.env.DATA;
  const say = (line) => new Promise((resolve) => process.stdout.write(line + '\\n', resolve));
  try {
    const rootKey = keyFile(dataDir + '/root.key');
    const options = { dataDir, slotDir: dataDir, rootKey, storeMegabytes: ${STORE_MB}, clock: systemClock };
    const { ledger, arena, roll } = await openStore(options);
    await say('open');
    const work = async () => {
      for (;;) {
        const hold = arena.reserve(1);
        if (hold === null) { await new Promise((resolve) => setTimeout(resolve, 5)); continue; }
        const link = mintLinkToken();
        await arena.write(hold.units, 0, Buffer.from(link));
        await arena.sync();
        const share = { link, deletion: mintDeletionToken(), secret: Buffer.alloc(32, 6), expiresAt: null };
        await ledger.put({ ...share, mode: 'burn', views: 1, hasPassphrase: false, held: false, hold });
        await say('put ' + link);
        if (Math.random() < 0.1) continue;
        await say('burning ' + link);
        const view = ledger.takeView(ledger.find(link));
        await view.durable;
        view.hold.release();
        await say('burned ' + link);
        if (Math.random() < 0.05) await roll();
      }
    };
    await Promise.all([work(), work(), work(), work()]);
  } catch (error) {
    await say('refused ' + error.part);
  }
`;

function moduleUrl(name: string): string {
  return new URL(`../../src/${name}`, import.meta.url).href;
}

function childEnvironment({ dataDir }: StoreOptions): NodeJS.ProcessEnv {
  return { DATA: dataDir, PATH: process.env['PATH'] };
}

/** The next `count` lines that a child says. */
async function linesOf(child: ReturnType<typeof spawn>, count: number): Promise<string[]> {
  const lines: string[] = [];
  if (child.stdout === null) return lines;
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (lines.length === count) break;
  }
  return lines;
}

test.test('killed at random under load, nothing acknowledged is lost and nothing burned comes back', async (t) => {
  const lives = Number(process.env['CHATPIC_KILL_LIVES'] ?? 8);
  const options = optionsIn(folderOf(t));
  const alive = new Set<LinkToken>();
  const unsure = new Set<LinkToken>();
  const burned: LinkToken[] = [];
  let acknowledged = 0;
  for (let life = 0; life < lives; life++) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', CHILD], { env: childEnvironment(options) });
    // Most lives end after so many acknowledgements, some while they start; none lasts for ever.
    const enough = 10 + Math.floor(Math.random() * 150);
    const kill = setTimeout(() => child.kill('SIGKILL'), life % 4 === 3 ? 50 + 400 * Math.random() : 20_000);
    let heard = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      const [word, name] = line.split(' ');
      const link = name as LinkToken;
      if (word === 'refused') t.fail(line);
      if (word === 'put') alive.add(link);
      if (word === 'burning') {
        alive.delete(link);
        unsure.add(link);
      }
      if (word === 'burned') {
        unsure.delete(link);
        burned.push(link);
      }
      if (word === 'put' || word === 'burned') heard++;
      if (heard >= enough) child.kill('SIGKILL');
    }
    clearTimeout(kill);
    acknowledged += heard;
    const store = await openStore(options);
    let wrong = 0;
    for (const link of alive) {
      const share = store.ledger.find(link);
      if (share === null || !(await store.arena.read(share.units, 0, 16)).equals(Buffer.from(link))) wrong++;
    }
    for (const link of burned) if (store.ledger.find(link) !== null) wrong++;
    t.equal(wrong, 0, `life ${life}: ${alive.size} alive, ${burned.length} burned`);
    for (const link of [...alive, ...unsure]) {
      const share = store.ledger.find(link);
      if (share !== null) await store.ledger.remove(share, 'deleted');
      burned.push(link);
    }
    alive.clear();
    unsure.clear();
    await store.close();
  }
  t.comment(`${acknowledged} acknowledged in ${lives} lives`);
  t.ok(acknowledged > 7 * lives);
});
