/** A store whose slots live in a TPM 2.0: libtpms, behind `swtpm`. Power cuts: tpm-cuts.test.ts. */
import { spawn } from 'node:child_process';
import { cpSync, existsSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'tap';
import { openStore } from '../../src/ledger/open-store.js';
import { verifyStore } from '../../src/ledger/verify-store.js';
import { diskFiles } from '../../src/store/disk.js';
import { destroySlots } from '../../src/store/panic.js';
import { tpmAt } from '../../src/store/tpm-device.js';
import { withTpmSlots } from '../../src/store/tpm-slots.js';
import { indexPublic, readIndex, undefineIndex, writeIndex, type Exchange } from '../../src/store/tpm.js';
import { needs } from '../needs.js';
import { INDEX, machine, opened, optionsIn, put } from './tpm-machine.js';

/** What stands in both indices now. */
async function slotsIn(exchange: Exchange): Promise<Buffer[]> {
  const slots = [Buffer.alloc(32), Buffer.alloc(32)];
  for (const [at, slot] of slots.entries()) await readIndex(exchange, INDEX + at, slot);
  return slots;
}

const swtpm = needs('swtpm');

test.test('a store with its slots in a TPM outlives restarts and power cuts', swtpm, async (t) => {
  const { tpm, options } = await machine(t);
  const store = await opened(t, options);
  t.equal(store.made, true);
  const [kept, gone] = [await put(store), await put(store)];
  await store.ledger.remove(store.ledger.find(gone)!, 'deleted');
  await store.close();
  t.notOk(existsSync(path.join(options.dataDir, 'slot.a')), 'no slot is on the disk');
  await tpm.kill();
  await tpm.start();
  t.equal((await verifyStore(options)).live, 1);
  const again = await opened(t, options);
  t.equal(again.made, false);
  t.ok(again.ledger.find(kept));
  t.equal(again.ledger.find(gone), null);
});

test.test('the same over a device', needs('swtpm', 'socat'), async (t) => {
  const { tpm, folder, options } = await machine(t);
  const device = path.join(folder, 'tpmrm0');
  const relay = spawn('socat', [`PTY,raw,echo=0,link=${device},ignoreeof`, `UNIX-CONNECT:${tpm.socket}`]);
  t.teardown(() => relay.kill('SIGKILL'));
  for (let tries = 0; tries < 300 && !existsSync(device); tries++) await sleep(10);
  const over = { ...options, tpm: { device, index: INDEX } };
  const store = await opened(t, over);
  const link = await put(store);
  await store.roll();
  await store.close();
  t.ok((await opened(t, over)).ledger.find(link));
});

test.test('after a round no older copy of the disk opens, and the TPM holds nothing of before', swtpm, async (t) => {
  const { tpm, folder, options } = await machine(t);
  const exchange = tpmAt(tpm.socket);
  const store = await opened(t, options);
  const link = await put(store);
  const before = await slotsIn(exchange);
  t.ok(
    before.every((slot) => tpm.memory().includes(slot)),
    'the search finds what is there',
  );
  const copy = path.join(folder, 'copy');
  cpSync(options.dataDir, copy, { recursive: true });
  const old = optionsIn(copy, tpm.socket);
  t.equal((await verifyStore(old)).live, 1, 'the copy opens while its epoch lives');
  await store.ledger.remove(store.ledger.find(link)!, 'deleted');
  await store.roll();
  const after = await slotsIn(exchange);
  const memory = tpm.memory();
  for (const slot of before) t.notOk(memory.includes(slot), 'both slots of before are gone');
  t.ok(after.every((slot) => memory.includes(slot)));
  await t.rejects(verifyStore(old), { part: 'slot', message: /neither/ });
});

test.test(
  'a TPM that was cleared, that is another, or that is not there: refused, naming the slot',
  swtpm,
  async (t) => {
    const { tpm, options } = await machine(t);
    await (await opened(t, options)).close();
    const exchange = tpmAt(tpm.socket);
    await undefineIndex(exchange, INDEX + 1);
    await t.rejects(openStore(options), { part: 'slot.b', message: 'slot.b is missing' });
    await tpm.replace();
    await t.rejects(openStore(options), { part: 'slot', message: /holds no slots/ });
    await t.rejects(verifyStore(options), { part: 'slot', message: /holds no slots/ });
    await tpm.kill();
    await t.rejects(openStore(options), { part: 'slot.a', message: /could not be asked.*ECONNREFUSED/ });
    const nowhere = { ...options, tpm: { device: '/dev/there-is-no-tpm', index: INDEX } };
    await t.rejects(openStore(nowhere), { part: 'slot.a', message: /ENOENT/, remedy: /dev\/tpm/ });
  },
);

test.test('an index that another program made, or that is locked, is neither read nor written', swtpm, async (t) => {
  const { tpm, options } = await machine(t);
  const exchange = tpmAt(tpm.socket);
  const { foreign, lock } = foreignIndex();
  t.equal(await rc(exchange, foreign), 0);
  t.equal(await rc(exchange, lock), 0);
  t.match(await indexPublic(exchange, INDEX), { size: 32, ours: false });
  await t.rejects(openStore(options), { part: 'slot.a', message: /locked, or was not made by chatpic/ });
  await t.rejects(destroySlots(options), { part: 'slot.a', message: /locked/ });
  t.ok(await indexPublic(exchange, INDEX), 'and panic leaves it');
  const elsewhere = { ...options, tpm: { device: tpm.socket, index: INDEX + 16 } };
  t.ok((await opened(t, elsewhere)).made);
});

test.test('slots of another store are never taken for free', swtpm, async (t) => {
  const { folder, tpm, options } = await machine(t);
  await (await opened(t, options)).close();
  const second = optionsIn(path.join(folder, 'second'), tpm.socket);
  await t.rejects(openStore(second), { part: 'slot', message: /holds the slots of a store/ });
  t.ok(await verifyStore(options));
});

test.test('an owner hierarchy with a password is refused with what can be done', swtpm, async (t) => {
  const { tpm, options } = await machine(t);
  t.equal(await rc(tpmAt(tpm.socket), ownerPassword()), 0);
  await t.rejects(openStore(options), { part: 'slot.a', message: /refused to define/, remedy: /owner hierarchy/ });
});

test.test('a TPM that wants to be asked later is asked again', async (t) => {
  const later = [0x922, 0x908, 0x920];
  let asked = 0;
  const exchange: Exchange = () => {
    const answer = Buffer.alloc(10);
    answer.writeUInt16BE(0x8001);
    answer.writeUInt32BE(10, 2);
    answer.writeUInt32BE(later[asked++] ?? 0, 6);
    return Promise.resolve(answer);
  };
  await writeIndex(exchange, INDEX, Buffer.alloc(32));
  t.equal(asked, 4);
});

test.test('an answer that lies about its length, or is cut off, is a fault and no slot', async (t) => {
  for (const size of [0, 9, 10, 11, 19]) {
    const answer = Buffer.alloc(size);
    const files = withTpmSlots(diskFiles('/x', '/x'), { device: '/x', index: INDEX }, () => Promise.resolve(answer));
    await t.rejects(files.size('slot.a'), { part: 'slot.a', name: 'StoreFault' }, `${size} bytes`);
  }
});

test.test('panic removes both slots in under a second, and nothing opens the store again', swtpm, async (t) => {
  const { tpm, options } = await machine(t);
  const store = await opened(t, options);
  await put(store);
  const exchange = tpmAt(tpm.socket);
  const before = await slotsIn(exchange);
  const start = performance.now();
  await destroySlots(options);
  t.ok(performance.now() - start < 1000);
  for (const slot of before) t.notOk(tpm.memory().includes(slot));
  t.equal(await indexPublic(exchange, INDEX), null);
  await t.rejects(
    store.roll(),
    { part: /slot/, message: /refused to write/, remedy: /panic/ },
    'a service that still runs can seal nothing anew',
  );
  await store.close();
  await t.rejects(openStore(options), { message: /holds no slots/ });
  await t.rejects(destroySlots(options), { message: /no slots in the TPM/ });
});

/** TPM2_NV_DefineSpace as another program might (OWNERWRITE, AUTHWRITE, WRITE_STCLEAR, AUTHREAD), and TPM2_NV_WriteLock. */
function foreignIndex(): { readonly foreign: Buffer; readonly lock: Buffer } {
  const session = '00000009 40000009 0000 00 0000';
  const attributes = ((1 << 1) | (1 << 2) | (1 << 14) | (1 << 18)).toString(16).padStart(8, '0');
  const area = `0000 000e 018c7000 000b ${attributes} 0000 0020`;
  return {
    foreign: commandOf('8002', '0000012a', `40000001 ${session} ${area}`),
    lock: commandOf('8002', '00000138', `018c7000 018c7000 ${session}`),
  };
}

/** The TPM's answer, asked again as long as it says TPM_RC_RETRY. */
async function rc(exchange: Exchange, command: Buffer): Promise<number> {
  for (;;) {
    const code = (await exchange(command)).readUInt32BE(6);
    if (code !== 0x922) return code;
    await sleep(10);
  }
}

/** TPM2_HierarchyChangeAuth of the owner hierarchy. */
function ownerPassword(): Buffer {
  return commandOf('8002', '00000129', '40000001 00000009 40000009 0000 00 0000 0004 73657361');
}

function commandOf(tag: string, code: string, rest: string): Buffer {
  const body = Buffer.from((code + rest).replaceAll(' ', ''), 'hex');
  const head = Buffer.alloc(6);
  head.writeUInt16BE(parseInt(tag, 16));
  head.writeUInt32BE(6 + body.length, 2);
  return Buffer.concat([head, body]);
}
