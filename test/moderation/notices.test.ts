import test from 'tap';
import { DAY, HOUR } from '../../src/base/units.js';
import { generateHpkeKeyPair } from '../../src/crypto/hpke.js';
import { COUNTED, Counters } from '../../src/moderation/counters.js';
import {
  ANSWER_TIME,
  isOverdue,
  KEPT_AFTER_ANSWER,
  Notices,
  wasLate,
  type Letter,
} from '../../src/moderation/notices.js';
import { redactTokens, sharesNamed } from '../../src/moderation/redact.js';
import { openText } from '../../src/moderation/staff-seal.js';
import { MapBook } from './map-book.js';

const staff = generateHpkeKeyPair();
const NOW = Date.UTC(2026, 10, 24, 12);
const LIVE = 'aB3dE5gH7jK9mN1p';
const fileIdOf = (token: string): string | null => (token === LIVE ? 'cp-aaaaaaaaaa' : null);
const letter = (fields: Partial<Letter> = {}): Letter => ({
  ...{ kind: 'copyright', priority: false, fileIds: [], text: 'please' },
  ...fields,
});

test.test('a letter is sealed to the staff, and is the same after a restart', async (t) => {
  const book = new MapBook();
  const notices = new Notices(book, staff.publicKey);
  const fileIds = ['cp-aaaaaaaaaa', 'cp-bbbbbbbbbb'];
  const { reference } = await notices.receive(letter({ fileIds, text: 'Tür ' + 'x'.repeat(3000) }), NOW);
  t.match(reference, /^[0-9a-z]{10}$/);
  const notice = new Notices(book, staff.publicKey).get(reference)!;
  t.match(notice, { kind: 'copyright', receivedAt: NOW, dueAt: NOW + 48 * HOUR, outcome: 'open', answeredAt: null });
  t.strictSame(notice.fileIds, fileIds);
  t.match(openText(staff.privateKey, reference, notice.sealedText), /^Tür x+$/);
  for (const { value } of book.entries()) t.notOk(value.includes('Tür'));
});

test.test('the overdue stand first, then what is due, then contact with and without a code', async (t) => {
  const notices = new Notices(new MapBook(), staff.publicKey);
  const receive = async (fields: Partial<Letter>, at: number): Promise<string> =>
    (await notices.receive(letter(fields), at)).reference;
  const plain = await receive({ kind: 'contact' }, NOW);
  const pro = await receive({ kind: 'contact', priority: true }, NOW + 5);
  const late = await receive({ kind: 'intimate-image' }, NOW + 2);
  const first = await receive({}, NOW + 1);
  t.strictSame(
    notices.open().map(({ reference }) => reference),
    [first, late, pro, plain],
  );
  const due = notices.get(first)!.dueAt!;
  t.equal(due, NOW + 1 + ANSWER_TIME);
  t.equal(isOverdue(notices.get(first)!, due - 1), false);
  t.equal(isOverdue(notices.get(first)!, due), true);
  t.equal(isOverdue(notices.get(plain)!, NOW + 365 * DAY), false, 'contact has no clock');
});

test.test('a letter is answered once, and goes 90 days later', async (t) => {
  const book = new MapBook();
  const notices = new Notices(book, staff.publicKey);
  const { reference, dueAt } = await notices.receive(letter(), NOW);
  const answered = await notices.answer(reference, 'granted', dueAt!);
  t.equal(wasLate(answered!), false);
  t.equal(wasLate({ ...answered!, answeredAt: dueAt! + 1 }), true);
  t.equal(await notices.answer(reference, 'refused', dueAt!), null);
  t.equal(await notices.answer('0000000000', 'refused', dueAt!), null);
  t.strictSame(notices.open(), []);
  await notices.sweep(dueAt! + KEPT_AFTER_ANSWER - 1);
  t.equal(new Notices(book, staff.publicKey).get(reference)?.outcome, 'granted');
  await notices.sweep(dueAt! + KEPT_AFTER_ANSWER);
  t.strictSame(book.entries(), []);
});

test.test('a flood of letters and letters that are too long are turned away', async (t) => {
  const notices = new Notices(new MapBook(), staff.publicKey);
  await t.rejects(notices.receive(letter({ text: 'x'.repeat(12_001) }), NOW), { code: 'too-large' });
  for (let at = 0; at < 1000; at++) await notices.receive(letter({ kind: 'contact', text: '' }), NOW);
  await t.rejects(notices.receive(letter(), NOW), { code: 'slow-down' });
});

test.test('links and deletion tokens never stay in what people type', (t) => {
  const cases: readonly (readonly [string, string])[] = [
    [`see http://x.onion/view/${LIVE}?a=1 now`, 'see http://x.onion/view/cp-aaaaaaaaaa?a=1 now'],
    [LIVE, 'cp-aaaaaaaaaa'],
    [`${LIVE},${LIVE}`, 'cp-aaaaaaaaaa,cp-aaaaaaaaaa'],
    ['/view/0000000000000000', '/view/[link]'],
    ['/delete/abcdefghijklABCDEFGHIJ12', '/delete/[deletion token]'],
    ['our Responsibilities and responsibilities', 'our Responsibilities and responsibilities'],
    [`${LIVE}x is no token`, `${LIVE}x is no token`],
    ['cp-aaaaaaaaaa', 'cp-aaaaaaaaaa'],
  ];
  for (const [text, expected] of cases) t.equal(redactTokens(text, fileIdOf), expected);
  t.strictSame(sharesNamed(`/view/${LIVE} cp-bbbbbbbbbb cp-aaaaaaaaaa xcp-cccccccccc cp-dddddddddddd`, fileIdOf), [
    'cp-aaaaaaaaaa',
    'cp-bbbbbbbbbb',
  ]);
  t.end();
});

test.test('fewer than ten is not told, and the quarter under way is told in tens', async (t) => {
  const book = new MapBook();
  const counters = new Counters(book);
  const last = Date.UTC(2026, 8, 30, 23, 59, 59);
  for (let at = 0; at < 9; at++) await counters.add('takedowns', last);
  for (let at = 0; at < 10; at++) await counters.add('reports', last);
  for (let at = 0; at < 11; at++) await counters.add('blockedAtUpload', last);
  for (let at = 0; at < 19; at++) await counters.add('reports', last + 1000);
  await counters.add('unchecked', last);
  const [running, before, ...none] = new Counters(book).report(NOW);
  t.match(running, { year: 2026, quarter: 4, running: true, counts: { reports: 10, takedowns: null } });
  t.match(before, {
    ...{ year: 2026, quarter: 3, running: false },
    counts: { reports: 10, takedowns: null, blockedAtUpload: 11, removedAfterReport: null },
  });
  t.notOk('unchecked' in before!.counts, 'for the desk alone');
  t.strictSame(none, []);
  t.equal(counters.exact('reports', NOW), 19);
  t.equal(counters.exact('unchecked', last), 1);
  t.equal(Object.keys(before!.counts).length, 9);
  t.equal(new Set(COUNTED).size, COUNTED.length);
});
