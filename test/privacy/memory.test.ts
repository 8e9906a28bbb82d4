/**
 * What finished requests leave in the memory of the process, under the switches of systemd/chatpic.service: nothing. Each
 * switch, and each measure in the code, has a control that finds something without it.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'tap';
import { MAIN, startProcess, type Life } from '../recovery/process.js';
import { picture } from '../stories/appliance.js';
import { openersOf, schedule, type Openers } from './key-forms.js';
import { canReadMemory, familyOf, memoryOf, searchMemory, whileStopped, type Hit } from './memory.js';
import type { Needle } from './needles.js';
import { opensIn } from './slide.js';
import { overTcp, overTls, overTorsSocket, Visitor, type Kept, type Way } from './visitor.js';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const STORE_MB = 32;
const NODE_MAJOR = Number(process.versions.node.split('.')[0]);
/** The pause after which memory must be clean. */
const PAUSE = 4500;
const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

interface Switches {
  readonly node: readonly string[];
  readonly tunables: readonly string[];
}

/** What the service starts Node with: read from the unit, so that the two can't part. */
function serviceSwitches(): Switches {
  const unit = readFileSync(path.join(ROOT, 'systemd/chatpic.service'), 'latin1');
  const node = /^ExecStart=\S+ (.*) \S+main\.js serve$/m.exec(unit)?.[1]?.split(' ') ?? [];
  const tunables = /^Environment=GLIBC_TUNABLES=(\S+)$/m.exec(unit)?.[1]?.split(':') ?? [];
  // Node 20 does not know this one.
  return {
    node: node.filter((flag) => flag !== '--disable-sigusr1' || Number(process.versions.node.split('.')[0]) >= 22),
    tunables,
  };
}

interface Served {
  readonly life: Life;
  readonly address: string;
  readonly dir: string;
  readonly pid: number;
  stop(): Promise<void>;
}

async function serve(switches: Switches, settings: Record<string, string> = {}, main = MAIN): Promise<Served> {
  const dir = mkdtempSync(path.join(tmpdir(), 'chatpic-memory-'));
  const inDir = Object.entries(settings).map(([name, value]) => [name, value.replace('DIR', dir)] as const);
  const life = startProcess(
    {
      CHATPIC_DATA_DIR: path.join(dir, 'var'),
      CHATPIC_LISTEN: '127.0.0.1:0',
      CHATPIC_STORE_MB: String(STORE_MB),
      CHATPIC_ROLL_SECONDS: '2',
      GLIBC_TUNABLES: switches.tunables.join(':'),
      ...Object.fromEntries<string>(inDir),
    },
    switches.node,
    { main },
  );
  const address = await life.ready;
  // The store is filled meanwhile.
  await pause(1000);
  const stop = async (): Promise<void> => {
    await life.stop();
    rmSync(dir, { recursive: true, force: true });
  };
  return { life, address, dir, pid: life.child.pid ?? 0, stop };
}

function told(hits: readonly Hit[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { needle, form } of hits) counts[`${needle} (${form})`] = (counts[`${needle} (${form})`] ?? 0) + 1;
  return counts;
}

function search(pid: number, needles: readonly Needle[]): Hit[] {
  return whileStopped(pid, () => familyOf(pid).flatMap((member) => searchMemory(member, needles)));
}

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

const readable = canReadMemory(process.pid) && process.platform === 'linux' ? {} : { skip: 'needs /proc/PID/mem' };

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
      expired: await visitor.share(null, { expires: String(begun + 61_000) }),
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

    await pause(Math.max(0, begun + 62_000 - Date.now()));
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

async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Behind tor's socket, and the mirror's TLS. */
async function twoWays(): Promise<{ settings: Record<string, string>; ways: (socket: string) => Way[] }> {
  const port = await freePort();
  const settings = {
    CHATPIC_LISTEN: 'unix:DIR/onion.sock',
    CHATPIC_LISTEN_PROXY: 'haproxy',
    CHATPIC_ONION: `${'b3'.repeat(28)}.onion`,
    CHATPIC_MIRROR_LISTEN: `127.0.0.1:${port}`,
    CHATPIC_MIRROR_ORIGIN: `https://127.0.0.1:${port}`,
    CHATPIC_TLS_CERT: 'DIR/cert.pem',
    CHATPIC_TLS_KEY: 'DIR/key.pem',
  };
  return { settings, ways: (socket) => [overTorsSocket(socket), overTls(port)] };
}

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

interface Control {
  readonly name: string;
  readonly switches: Switches;
  /** What is taken out of a copy of the build. */
  readonly edit?: readonly [file: string, from: string];
}

const MEASURES: readonly (readonly [file: string, from: string])[] = [
  ['web/residue.js', "socket.on('data', (piece) => piece.fill(0));"],
  ['app.js', 'listener.forget();'],
  ['app.js', 'overwriteStack();'],
  ['app.js', 'collectGarbage();'],
  ['web/residue.js', 'parsers.max = 0;'],
];

function controls(): Control[] {
  const { node, tunables } = serviceSwitches();
  const without = (left: string): Switches => ({
    node: node.filter((flag) => flag !== left),
    tunables: tunables.filter((tunable) => tunable !== left),
  });
  // Node 22's collection moves everything: there nothing was found without the zeroing either.
  const mattering = NODE_MAJOR >= 22 ? /gc|malloc/ : /gc|clear|malloc/;
  const left = [...node, ...tunables].filter((name) => mattering.test(name));
  return [
    ...left.map((name) => ({ name, switches: without(name) })),
    ...MEASURES.map((edit) => ({ name: `${edit[0]}: ${edit[1]}`, switches: serviceSwitches(), edit })),
  ];
}

/** A copy of the build without one thing. */
function buildWithout(dir: string, [file, from]: readonly [file: string, from: string]): string {
  cpSync(path.join(ROOT, 'build/src'), path.join(dir, 'build/src'), { recursive: true });
  for (const name of ['templates', 'node_modules', 'package.json'])
    symlinkSync(path.join(ROOT, name), path.join(dir, name));
  const edited = path.join(dir, 'build/src', file);
  const text = readFileSync(edited, 'utf8');
  if (!text.includes(from)) throw new Error(`${file} has no ${from}`);
  writeFileSync(edited, text.replace(from, ''));
  return path.join(dir, 'build/src/main.js');
}

/** What visitors of a process without this leave behind. */
async function leftBehind({ switches, edit }: Control): Promise<Record<string, number>> {
  const dir = mkdtempSync(path.join(tmpdir(), 'chatpic-without-'));
  const { settings, ways } = await twoWays();
  const served = await serve(switches, settings, edit === undefined ? MAIN : buildWithout(dir, edit));
  try {
    const needles: Needle[] = [];
    const [tor, tls] = ways(served.address).map((way) => new Visitor(way));
    // The first keeps its connections and the second closes them: nobody comes after it to take over its parsers.
    for (const visitor of [tor, tls]) {
      for (let number = 0; number < 4; number++) await visitor?.notes(number);
      needles.push(...(visitor?.needles ?? []));
    }
    tls?.leave();
    await pause(PAUSE);
    return told(search(served.pid, needles));
  } finally {
    await served.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

test.test(
  'without one of the switches or measures something is found',
  { ...readable, timeout: 250_000 },
  async (t) => {
    const waiting = controls();
    const work = async (): Promise<void> => {
      for (let control = waiting.shift(); control !== undefined; control = waiting.shift()) {
        const found = await leftBehind(control);
        t.not(Object.keys(found).length, 0, `${control.name} ${JSON.stringify(found)}`);
      }
    };
    await Promise.all([work(), work(), work()]);
  },
);
