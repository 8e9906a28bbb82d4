import test from 'tap';
import { HOUR } from '../../src/base/units.js';
import { generateHpkeKeyPair } from '../../src/crypto/hpke.js';
import type { FileId } from '../../src/ledger/tokens.js';
import { SPACE } from '../../src/moderation/book.js';
import { encodeCase, parseCase, type Case } from '../../src/moderation/case-record.js';
import { Cases, EVIDENCE_TIME, NOTE_LENGTH, type EvidenceOffer, type Flag } from '../../src/moderation/cases.js';
import { PreservedShares } from '../../src/moderation/preserved.js';
import type { UnitList } from '../../src/store/arena.js';
import { UnitPool } from '../../src/store/unit-pool.js';
import { openShareKey, openText, sealShareKey, sealText } from '../../src/moderation/staff-seal.js';
import { MapLedger } from './map-book.js';

const staff = generateHpkeKeyPair();
const NOW = Date.UTC(2026, 10, 24, 12);
const ONE = 'cp-aaaaaaaaaa' as FileId;
const TWO = 'cp-bbbbbbbbbb' as FileId;
const THREE = 'cp-cccccccccc' as FileId;
const KEY = Buffer.alloc(32, 7);
const offer = (units = 1): EvidenceOffer => ({
  key: KEY,
  hold: new UnitPool(2000).hold(new Uint32Array(units) as UnitList),
});
const report = (note = '', reason: 'other' | 'minors' | 'violence' = 'other'): Flag => ({
  kind: 'report',
  reason,
  note,
});
const explicit: Flag = { kind: 'borderline', reason: 'explicit', severity: 1, held: true };

function open(ledger = new MapLedger(), arenaUnits = 1000): Cases {
  return new Cases({ ledger, isPreserved: () => false, staffKey: staff.publicKey, arenaUnits: () => arenaUnits });
}

test.test('a report lets staff open that share and no other', async (t) => {
  const ledger = new MapLedger();
  const book = ledger.book(SPACE.cases);
  const cases = open(ledger);
  t.strictSame(await cases.flag(ONE, report(), NOW, offer()), { opened: true, evidence: 'held' });
  const sealed = cases.get(ONE)!.evidence!.sealedKey;
  t.same(openShareKey(staff.privateKey, 'key', ONE, sealed), KEY);
  t.equal(openShareKey(staff.privateKey, 'key', TWO, sealed), null, 'bound to its share');
  t.equal(openShareKey(staff.privateKey, 'preserved', ONE, sealed), null, 'bound to its purpose');
  t.equal(openShareKey(generateHpkeKeyPair().privateKey, 'key', ONE, sealed), null, 'nobody else');
  t.equal(cases.get(TWO), null);
  for (const { key, value } of book.entries()) t.notOk(Buffer.concat([key, value]).includes(KEY), 'not in the book');
});

test.test('a flood of reports on one share is one case of one rank', async (t) => {
  const ledger = new MapLedger();
  const cases = open(ledger);
  await cases.flag(TWO, report('', 'violence'), NOW + 1, offer());
  for (let at = 0; at < 500; at++) await cases.flag(ONE, report(`note ${at}`), NOW + at, offer());
  t.equal(cases.queue().length, 2);
  t.strictSame(
    cases.queue().map(({ fileId }) => fileId),
    [TWO, ONE],
  );
  const one = cases.get(ONE)!;
  t.equal(one.openedAt, NOW);
  t.equal(one.severity, 1);
  t.equal(one.held, false, 'reports hold nothing back');
  t.equal(one.notes.length, 3, 'the first few notes');
  t.equal(openText(staff.privateKey, ONE, one.notes[0]!), 'note 0');
  t.ok(encodeCase(one).length < 4096);
});

test.test('evidence is held for 72 hours and not a second longer', async (t) => {
  const ledger = new MapLedger();
  const book = ledger.book(SPACE.cases);
  const cases = open(ledger);
  await cases.flag(ONE, report(), NOW, offer(3));
  t.equal(EVIDENCE_TIME, 72 * HOUR);
  t.strictSame(await cases.sweep(NOW + EVIDENCE_TIME - 1, () => true), []);
  t.equal(cases.unitsHeld(), 3);
  t.strictSame(await cases.sweep(NOW + EVIDENCE_TIME, () => true), [ONE]);
  t.equal(cases.unitsHeld(), 0);
  t.equal(cases.get(ONE)?.evidence, null, 'the case stays: the share is alive');
  t.equal(open(ledger).get(ONE)?.evidence, null);
  t.strictSame(await cases.sweep(NOW + EVIDENCE_TIME, () => false), []);
  t.equal(cases.get(ONE), null, 'nothing left to decide about');
  t.strictSame(book.entries(), []);
});

test.test('all evidence together stays within 5 % of the arena; beyond it a report counts without', async (t) => {
  const cases = open(new MapLedger(), 100);
  t.equal((await cases.flag(ONE, report(), NOW, offer(3))).evidence, 'held');
  t.equal((await cases.flag(TWO, report(), NOW, offer(3))).evidence, 'no-room');
  t.equal((await cases.flag(THREE, report(), NOW, offer(2))).evidence, 'held');
  t.equal(cases.unitsHeld(), 5);
  t.equal(cases.queue().length, 3);
  t.equal(cases.get(TWO)?.evidence, null);
  await cases.decide(ONE);
  t.equal((await cases.flag(TWO, report(), NOW, offer(3))).evidence, 'held', 'when there is room again');
  t.equal((await cases.flag(TWO, report(), NOW, offer(3))).evidence, 'held-before');
  t.equal((await cases.flag('cp-dddddddddd' as FileId, report(), NOW, null)).evidence, 'none-offered');
});

test.test('of two moderators who decide the same case one does', async (t) => {
  const cases = open();
  await cases.flag(ONE, report(), NOW, offer());
  const [first, second] = await Promise.all([cases.decide(ONE), cases.decide(ONE)]);
  t.ok(first);
  t.equal(second, null);
  t.equal(await cases.decide(ONE), null);
});

test.test('the queue is ordered by severity, then age, and is the same after a restart', async (t) => {
  const ledger = new MapLedger();
  const cases = open(ledger);
  await cases.flag(ONE, explicit, NOW + 2, offer());
  await cases.flag(TWO, report(), NOW + 1, offer());
  await cases.flag(THREE, report('', 'minors'), NOW + 3, null);
  const order = [THREE, TWO, ONE];
  for (const opened of [cases, open(ledger)]) {
    t.strictSame(
      opened.queue().map(({ fileId }) => fileId),
      order,
    );
    t.equal(opened.get(ONE)?.held, true);
  }
  await cases.flag(TWO, report('', 'minors'), NOW + 9, null);
  t.equal(cases.queue()[0]?.fileId, TWO, 'a graver reason raises the case, its age stays');
});

test.test('a note is cut at 500 characters, whole ones, and an empty one is none', async (t) => {
  const cases = open();
  await cases.flag(ONE, report(`  ${'😀'.repeat(NOTE_LENGTH + 1)}`), NOW, null);
  await cases.flag(TWO, report(' \n '), NOW, null);
  t.equal(openText(staff.privateKey, ONE, cases.get(ONE)!.notes[0]!), '😀'.repeat(NOTE_LENGTH));
  t.strictSame(cases.get(TWO)?.notes, []);
});

test.test('a case is the same after encode and parse', (t) => {
  const base: Case = {
    ...{ fileId: ONE, openedAt: NOW, severity: 3, held: true, notes: [], evidence: null },
    reports: new Set(['minors', 'other']),
    borderline: new Set(['explicit']),
  };
  for (const item of [
    base,
    { ...base, notes: [Buffer.from('a'), Buffer.alloc(600, 1)], held: false },
    { ...base, evidence: { sealedKey: Buffer.alloc(80, 9), units: 200, until: NOW + 1 } },
  ]) {
    t.same(parseCase(ONE, encodeCase(item)), item);
    for (let cut = 0; cut < encodeCase(item).length; cut++) {
      t.throws(() => parseCase(ONE, encodeCase(item).subarray(0, cut)));
    }
  }
  t.end();
});

test.test('sealed texts tell their length in steps of 512 only, and open in their place only', (t) => {
  const sizes = new Set([0, 1, 300, 510].map((length) => sealText(staff.publicKey, ONE, 'x'.repeat(length)).length));
  t.equal(sizes.size, 1);
  t.not(sealText(staff.publicKey, ONE, 'x'.repeat(511)).length, [...sizes][0]);
  const sealed = sealText(staff.publicKey, ONE, 'text');
  t.equal(openText(staff.privateKey, ONE, sealed), 'text');
  t.equal(openText(staff.privateKey, TWO, sealed), null);
  t.equal(openText(staff.privateKey, ONE, sealShareKey(staff.publicKey, 'key', ONE, KEY)), null);
  t.end();
});

test.test('a legal hold is sealed to the offline key and ends at its time', async (t) => {
  const ledger = new MapLedger();
  const preserved = new PreservedShares(ledger);
  const offline = generateHpkeKeyPair();
  t.equal(preserved.offlineKey(), null);
  for (const key of [Buffer.alloc(0), Buffer.alloc(31, 1), Buffer.alloc(32)])
    await t.rejects(preserved.setOfflineKey(key), { code: 'malformed' });
  await preserved.setOfflineKey(offline.publicKey);
  t.same(preserved.offlineKey(), offline.publicKey);
  t.strictSame(preserved.all(), [], 'the key is no hold');
  const sealedKey = sealShareKey(offline.publicKey, 'preserved', ONE, KEY);
  const item = { fileId: ONE, since: NOW, until: NOW + 10, sealedKey };
  t.throws(() => preserved.keeping({ ...item, sealedKey: Buffer.alloc(32) }), { code: 'malformed' });
  t.throws(() => preserved.keeping({ ...item, until: NOW }), { code: 'malformed' });
  ledger.kept.set(ONE, 3);
  await ledger.change([preserved.keeping(item)]);
  t.strictSame(new PreservedShares(ledger).all(), [item]);
  t.equal(openShareKey(staff.privateKey, 'preserved', ONE, sealedKey), null, 'not even the staff');
  t.same(openShareKey(offline.privateKey, 'preserved', ONE, sealedKey), KEY);
  await preserved.sweep(NOW + 9);
  t.ok(preserved.get(ONE));
  await preserved.sweep(NOW + 10);
  t.strictSame([preserved.get(ONE), ledger.keptUnits], [null, 0]);
  t.equal(await preserved.end(ONE), false);
});

test.test('a case that is opened on the way to a legal hold does not let go of it', async (t) => {
  const ledger = new MapLedger();
  const isPreserved = (fileId: string): boolean => fileId === ONE;
  const cases = new Cases({ ledger, isPreserved, staffKey: staff.publicKey, arenaUnits: () => 1000 });
  for (const fileId of [ONE, TWO]) await cases.flag(fileId, report(), NOW, offer());
  await cases.decide(ONE);
  t.strictSame([...ledger.kept.keys()], [ONE, TWO]);
  await cases.flag(ONE, report(), NOW, offer());
  await cases.sweep(NOW + EVIDENCE_TIME, () => true);
  t.strictSame([...ledger.kept.keys()], [ONE]);
});
