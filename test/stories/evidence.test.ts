/** Invariant 22: held evidence exists only if flagged or reported, only under the staff key, at most 72 h, at most 5 %. */
import test from 'tap';
import { HOUR } from '../../src/base/units.js';
import { upload, type Appliance } from './appliance.js';
import { fileIdOf, report, seenByStaff, staffed } from './staffed.js';

const free = ({ app }: Appliance): number => app.store.arena.capacity().free;

/** Every unit that is free now is written over. */
async function overwriteAllThatIsFree({ app }: Appliance): Promise<void> {
  const { arena } = app.store;
  const hold = arena.reserve(arena.capacity().free)!;
  for (let unit = 0; unit < hold.units.length; unit++) {
    await arena.write(hold.units, unit * arena.unitBytes, Buffer.alloc(arena.unitBytes, 0xff));
  }
  hold.release();
}

for (const end of ['deleted', 'burned', 'expired'] as const) {
  test.test(
    `a reported link that is ${end} is gone, and its content is held for the staff over a restart`,
    async (t) => {
      const here = await staffed(t);
      const before = free(here);
      const expiry = end === 'burned' ? 'burn' : '1h';
      const shared = await upload(here.base, null, { fields: { note: 'reported words', expiry } });
      const fileId = fileIdOf(here, shared);
      t.equal(await report(here, shared), true);
      if (end === 'deleted') await fetch(here.base + new URL(shared.deleteUrl).pathname, { method: 'POST' });
      else if (end === 'burned')
        t.equal(await (await fetch(shared.fileUrl, { method: 'POST' })).text(), 'reported words');
      else here.clock.forward(HOUR);
      t.equal((await fetch(`${here.base}/view/${shared.token}`)).status, 404);
      await overwriteAllThatIsFree(here);
      await here.app.store.roll();
      await here.restart();
      await overwriteAllThatIsFree(here);
      t.match((await seenByStaff(here, fileId))?.toString('latin1'), /reported words/);
      t.equal((await fetch(`${here.base}/view/${shared.token}`)).status, 404, 'to those who have the link it is gone');
      t.match(here.app.moderation.queue(), [{ fileId, severity: 2, reports: new Set(['violence']) }]);
      t.strictSame(here.app.moderation.evidenceUnits(), { held: 1, most: 12 });

      t.ok(await here.app.moderation.endCase(fileId));
      t.equal(await here.app.moderation.endCase(fileId), null, 'once');
      t.equal(await seenByStaff(here, fileId), null);
      t.equal(free(here), before, 'a decision gives the units back');
    },
  );
}

test.test('evidence is held for 72 hours and not a second longer, whoever is still reading', async (t) => {
  const here = await staffed(t);
  const before = free(here);
  const shared = await upload(here.base, null, { fields: { note: 'reported words', expiry: 'burn' } });
  const fileId = fileIdOf(here, shared);
  await report(here, shared);
  await fetch(shared.fileUrl, { method: 'POST' });
  const evidence = here.app.moderation.openEvidence(fileId)!;
  t.equal(await seenByStaff(here, 'cp-0000000000'), null);
  here.clock.forward(72 * HOUR - 60_000);
  await evidence.content.read(0, 10);
  await here.app.moderation.sweep(here.app.store.ledger.now());
  t.ok(await seenByStaff(here, fileId));
  here.clock.forward(60_000);
  await t.rejects(evidence.content.read(0, 10), { code: 'gone' });
  t.equal(here.app.moderation.openEvidence(fileId), null, 'before anything was swept');
  evidence.close();
  await here.app.moderation.sweep(here.app.store.ledger.now());
  t.strictSame([free(here), here.app.moderation.queue().length], [before, 0]);
});

test.test(
  'beyond 5 % of the arena a report is recorded without evidence; without a report there is none',
  async (t) => {
    const here = await staffed(t);
    const { most } = here.app.moderation.evidenceUnits();
    t.equal(most, Math.floor(here.app.store.arena.capacity().total * 0.05));
    const answers: boolean[] = [];
    for (let n = 0; n <= most; n++) {
      const shared = await upload(here.base, null, { fields: { note: `note ${n}` } });
      t.equal(here.app.moderation.openEvidence(fileIdOf(here, shared)), null, 'nobody flagged it');
      answers.push(await report(here, shared));
    }
    t.strictSame(answers, [...Array.from({ length: most }, () => true), false]);
    t.equal(here.app.moderation.queue().length, most + 1);
    const now = here.app.store.ledger.now();
    const counted = (['reports', 'reportsWithoutEvidence'] as const).map((what) =>
      here.app.moderation.counters.exact(what, now),
    );
    t.strictSame(counted, [most + 1, 1]);
    t.equal(here.app.moderation.evidenceUnits().held, most);
  },
);

test.test('many who report many shares at once keep the bound together', async (t) => {
  const here = await staffed(t);
  const { most } = here.app.moderation.evidenceUnits();
  const shares = [];
  for (let n = 0; n < 2 * most; n++) shares.push(await upload(here.base, null, { fields: { note: `note ${n}` } }));
  const answers = await Promise.all(shares.map((shared) => report(here, shared)));
  t.equal(answers.filter(Boolean).length, most);
  t.equal(here.app.moderation.evidenceUnits().held, most);
});
