/** What finished requests leave in the memory of the process, under the switches of systemd/chatpic.service: nothing. */
import path from 'node:path';
import test from 'tap';
import { picture } from '../stories/appliance.js';
import { openersOf, schedule, type Openers } from './key-forms.js';
import { memoryOf, type Hit } from './memory.js';
import type { Needle } from './needles.js';
import { PAUSE, pause, readable, search, serve, serviceSwitches, STORE_MB, told, twoWays } from './served.js';
import { opensIn } from './slide.js';
import { overTcp, Visitor, type Kept } from './visitor.js';

/** Milliseconds: a minute is the shortest, and a busy machine takes a few seconds before it looks at the form. */
const LIFETIME = 68_000;

/**
 * What is found when the idle pause is over. A machine that is busy with other things lets the process have its pause
 * late; what stays, stays.
 */
async function stays(pid: number, needles: readonly Needle[]): Promise<Record<string, number>> {
  let hits: Hit[] = [];
  for (let tries = 0; tries < 8; tries++) {
    await pause(PAUSE);
    hits = search(pid, needles);
    if (hits.length === 0) break;
  }
  return told(hits);
}

function keysOf(name: string, { secret, key, streamKey }: Openers): Needle[] {
  const keys = [
    { name: `S of ${name}`, bytes: secret },
    { name: `K of ${name}`, bytes: key },
    { name: `content key of ${name}`, bytes: streamKey },
  ];
  return keys.flatMap(({ name: what, bytes }) => [
    { name: what, bytes },
    { name: `${what}, expanded`, bytes: schedule(bytes) },
    { name: `${what}, reversed`, bytes: Buffer.from(bytes).reverse() },
  ]);
}

test.test('the expanded form of a key is that of FIPS 197', (t) => {
  const key = Buffer.from('603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4', 'hex');
  t.equal(schedule(key).toString('hex'), '9ba354118e6925afa51a8b5f2067fcdea8b09c1a93d194cdbe49846eb75d5b9a');
  t.end();
});

test.test(
  'after everything that can be done with a share and an idle pause, no token, key, word or pixel is in memory',
  { ...readable, timeout: 1000 * (Number(process.env['CHATPIC_TEST_SECONDS'] ?? 300) - 100) },
  async (t) => {
    const served = await serve(serviceSwitches());
    t.teardown(() => served.stop());
    const visitor = new Visitor(overTcp(served.address));
    const begun = Date.now();
    const shares: Record<string, Kept> = {
      expired: await visitor.share(null, { expires: String(begun + LIFETIME) }),
      burned: await visitor.share(null, { expiry: 'burn' }),
      deleted: await visitor.share(await picture(99), {}),
      locked: await visitor.share(null, { passphrase: 'yes', views: '1' }),
      live: await visitor.share(null, {}),
    };
    const links = new Map(Object.values(shares).map(({ token, passphrase }) => [token, passphrase]));
    const openers = await openersOf(path.join(served.dir, 'var'), STORE_MB, links, async (copy) => {
      process.kill(served.pid, 'SIGSTOP');
      await copy().finally(() => process.kill(served.pid, 'SIGCONT'));
    });
    const { expired, burned, deleted, locked, live } = shares;
    if (!expired || !burned || !deleted || !locked || !live) throw new Error('five shares');
    const openersFor = (kept: Kept): Openers => openers.get(kept.token) as Openers;
    // Trying takes longer than a connection is kept.
    visitor.leave();
    const before = opensIn(memoryOf(served.pid), deleted.token, openersFor(deleted).header);
    t.not(before.found.length, 0, `a share that lives is opened by what is in memory (${before.tried} windows tried)`);

    for (let number = 0; number < 4; number++) await visitor.everything(number);
    await visitor.burn(burned);
    await visitor.openLocked(locked);
    await visitor.look(live);
    await visitor.look(expired);
    await visitor.look(deleted);
    await visitor.remove(deleted);
    await pause(PAUSE);
    const after = opensIn(memoryOf(served.pid), deleted.token, openersFor(deleted).header);
    t.strictSame(
      after.found,
      [],
      `within 5 s of a shred, no 32-byte window of the process memory opens the share with T (${after.tried} tried)`,
    );

    await pause(Math.max(0, begun + LIFETIME + 1000 - Date.now()));
    const gone = Object.entries(shares).flatMap(([name, kept]) => {
      const keys = keysOf(name, openersFor(kept));
      // A share that lives has its secret in the vault; a page that was opened is a grant, which opens it for minutes.
      const allowed = { live: /^(S|content key) of/, locked: /^content key of/ }[name];
      return allowed === undefined ? keys : keys.filter(({ name: what }) => !allowed.test(what));
    });
    t.strictSame(await stays(served.pid, [...visitor.needles, ...gone]), {});
    const vault = search(served.pid, [{ name: 'S', bytes: openersFor(live).secret }]);
    t.equal(vault.length, 1, 'the secret of a share that lives is there, once');
  },
);

test.test('the same behind tor, and over TLS', readable, async (t) => {
  const { settings, ways } = await twoWays();
  const served = await serve(serviceSwitches(), settings);
  t.teardown(() => served.stop());
  const needles: Needle[] = [];
  for (const way of ways(served.address)) {
    const visitor = new Visitor(way);
    for (let number = 0; number < 2; number++) await visitor.everything(number);
    needles.push(...visitor.needles);
  }
  t.strictSame(await stays(served.pid, needles), {});
});
