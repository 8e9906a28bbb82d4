/** What a child can't reach. Looked at from outside while it holds a picture. */
import { closeSync, openSync, readFileSync } from 'node:fs';
import test from 'tap';
import { startDecoder } from '../../../src/media/decoder/decoder.js';
import { findConfiner } from '../../../src/media/decoder/confine.js';
import type { Command } from '../../../src/media/decoder/confine.js';
import { DEFAULT_LIMITS } from '../../../src/media/decoder/limits.js';
import { spawnSync } from 'node:child_process';
import { encoded, gifBomb, noise, stalledSource } from './made.js';
import { childrenOf, descriptorsOf } from './processes.js';

// Each picture is a process: on a busy machine that adds up to more than tap waits for a file by itself.
test.setTimeout(240_000);

const linux = process.platform === 'linux' ? {} : { skip: 'needs /proc' };

const confiner = await findConfiner(DEFAULT_LIMITS);
const ownRoot = confiner.confinement.files === 'own-root' ? {} : { skip: 'namespaces are not permitted here' };
const noNetwork = confiner.confinement.network === 'none' ? {} : { skip: 'namespaces are not permitted here' };
const limited = confiner.confinement.memory === 'limited' ? {} : { skip: 'prlimit is missing or not permitted' };

/** Runs a piece of JavaScript within the walls that a decoder gets. */
function inside(script: string): { status: number | null; said: string } {
  const node: Command = { file: process.execPath, args: ['-e', script] };
  const { file, args } = confiner.confine(node, [process.execPath]);
  const ran = spawnSync(file, args, { env: {}, cwd: '/', encoding: 'utf8', timeout: 20_000 });
  return { status: ran.status, said: ran.stdout.trim() };
}

test.test('a child has an empty environment and nothing open but its pipes', linux, async (t) => {
  process.env['CHATPIC_PLANTED'] = 'planted-secret';
  // None is started ahead: one in the middle of its start has the files of its program open.
  const decoder = startDecoder({ children: 1, warm: 0 });
  t.teardown(() => decoder.close());
  const source = stalledSource(await encoded(noise(400, 400), 'image/png'));
  const decoding = decoder.decode(source, 'image/png', {});
  await source.stalled;
  const children = childrenOf();
  t.equal(children.length, 1);
  for (const pid of children) {
    t.equal(readFileSync(`/proc/${pid}/environ`).length, 0, 'environment');
    t.strictSame(descriptorsOf(pid).filter(isWorthAnything), [], 'no file, and no connection but input and output');
  }
  source.finish();
  await decoding;
});

/** Node's own pipes and events, its working directory, /dev/null, and the two sockets that Node calls pipes. */
function isWorthAnything({ fd, name }: { fd: number; name: string }): boolean {
  return !/^(pipe|anon_inode):|^\/$|^\/dev\/null$/.test(name) && !(fd < 2 && name.startsWith('socket:'));
}

test.test('what this process has inherited, a child does not inherit', linux, (t) => {
  const door = new URL('../../../src/media/decoder/decoder.js', import.meta.url).href;
  const processes = new URL('./processes.js', import.meta.url).href;
  const script = `
    import { startDecoder } from ${JSON.stringify(door)};
    import { childrenOf, descriptorsOf } from ${JSON.stringify(processes)};
    const decoder = startDecoder({ warm: 0 });
    const look = () => ({ own: descriptorsOf(process.pid), child: descriptorsOf(childrenOf()[0]) });
    const read = async () => (console.log(JSON.stringify(look())), Buffer.from('x'));
    await decoder.decode({ size: 1, read }, 'image/png', {}).catch(() => undefined);
    await decoder.close();`;
  const planted = openSync(import.meta.filename, 'r');
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    // Node itself closes the first dozen in its children: what stands behind a gap is what goes on.
    stdio: ['ignore', 'pipe', 'inherit', planted, ...Array.from({ length: 40 }, () => 'ignore' as const), planted],
    encoding: 'utf8',
    env: {},
  });
  closeSync(planted);
  const { own, child } = JSON.parse(stdout) as Record<'own' | 'child', { fd: number; name: string }[]>;
  t.equal(own.filter(({ name }) => name === import.meta.filename).length, 2, 'it has been inherited');
  t.strictSame(child.filter(isWorthAnything), []);
  t.end();
});

test.test('what is found about the walls is said', async (t) => {
  const decoder = startDecoder({ children: 1, warm: 0 });
  t.teardown(() => decoder.close());
  t.strictSame(await decoder.confinement(), confiner.confinement);
});

test.test('within its own root a child sees libraries and code, read-only, and nothing else', ownRoot, (t) => {
  const { said } = inside(`
    const fs = require('node:fs');
    const tried = (what) => { try { return what(); } catch (error) { return error.code; } };
    console.log(JSON.stringify({
      top: fs.readdirSync('/').sort(),
      etc: fs.readdirSync('/etc').sort(),
      proc: tried(() => fs.readdirSync('/proc')),
      old: tried(() => fs.readdirSync('/old')),
      program: tried(() => fs.readdirSync(${JSON.stringify(process.cwd())})),
      write: tried(() => fs.writeFileSync('/x', '')),
      writeUsr: tried(() => fs.writeFileSync('/usr/x', '')),
    }));`);
  const seen = JSON.parse(said) as Record<string, string | string[]>;
  const top = ['bin', 'etc', 'lib', 'lib64', 'old', 'proc', 'usr'];
  t.strictSame(
    (seen['top'] as string[]).filter((name) => !top.includes(name) && !process.execPath.startsWith(`/${name}/`)),
    [],
  );
  t.strictSame(
    (seen['etc'] as string[]).filter((name) => !['alternatives', 'ld.so.cache'].includes(name)),
    [],
  );
  t.strictSame([seen['proc'], seen['old']], [[], []]);
  t.equal(seen['program'], 'ENOENT', 'the folder of the program, with the store in it');
  t.equal(seen['write'], 'EROFS');
  t.equal(seen['writeUsr'], 'EROFS');
  t.end();
});

test.test('within its own root a child has no capability to get out with', ownRoot, (t) => {
  const { file, args } = confiner.confine({ file: '/usr/bin/setpriv', args: ['--dump'] }, []);
  const { stdout } = spawnSync(file, args, { env: {}, cwd: '/', encoding: 'utf8' });
  t.match(stdout, /no_new_privs: 1/);
  t.match(stdout, /Capability bounding set: \[none\]/);
  t.match(stdout, /Ambient capabilities: \[none\]/);
  const mount = confiner.confine({ file: '/usr/bin/mount', args: ['-t', 'tmpfs', 'tmpfs', '/old'] }, []);
  const { status, stderr } = spawnSync(mount.file, mount.args, { env: {}, cwd: '/', encoding: 'utf8' });
  t.not(status, 0);
  t.match(stderr, /permission denied|superuser/);
  t.end();
});

test.test('a child has no network', noNetwork, (t) => {
  const { said } = inside(`
    const net = require('node:net');
    const socket = net.connect(${process.pid}, '127.0.0.1');
    socket.on('error', (error) => console.log(error.code, Object.keys(require('node:os').networkInterfaces()).length));`);
  t.equal(said, 'ENETUNREACH 0');
  t.end();
});

test.test('a child has bounds of the kernel on memory, time and files', limited, (t) => {
  t.not(inside('Buffer.alloc(2 ** 30, 1); console.log("had it")').said, 'had it');
  const { file, args } = confiner.confine(
    { file: '/bin/sh', args: ['-c', 'ulimit -t; ulimit -c; ulimit -f; ulimit -n'] },
    [],
  );
  const { stdout } = spawnSync(file, args, { env: {}, cwd: '/', encoding: 'utf8' });
  t.strictSame(stdout.trim().split('\n'), ['23', '0', '0', '64']);
  t.end();
});

test.test('where namespaces are forbidden it decodes all the same, and says what is missing', ownRoot, (t) => {
  const door = new URL('../../../src/media/decoder/decoder.js', import.meta.url).href;
  const script = `
    import { startDecoder } from ${JSON.stringify(door)};
    const decoder = startDecoder({ warm: 0 });
    const bytes = Buffer.from(${JSON.stringify(gifBomb(1).toString('base64'))}, 'base64');
    const source = { size: bytes.length, read: async (at, length) => Buffer.from(bytes.subarray(at, at + length)) };
    const { facts } = await decoder.decode(source, 'image/gif', {});
    console.log(JSON.stringify({ ...(await decoder.confinement()), width: facts.width }));
    await decoder.close();`;
  const forbidding = 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"';
  const args = ['--user', '--map-root-user', '--net', 'sh', '-c', forbidding, 'sh', process.execPath];
  const { stdout } = spawnSync('unshare', [...args, '--input-type=module', '-e', script], { encoding: 'utf8' });
  const memory = confiner.confinement.memory;
  t.strictSame(
    JSON.parse(stdout),
    { files: 'shared', network: 'none', memory, width: 1 },
    'the service has no network',
  );
  t.end();
});
