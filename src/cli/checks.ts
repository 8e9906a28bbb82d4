/**
 * What a machine must be like for the promises to hold, looked at one by one. Each finding says what to do.
 *
 * `refuse` marks what strict mode does not start with: there, a promise would be broken silently.
 */
import { stat, statfs } from 'node:fs/promises';
import path from 'node:path';
import { MiB } from '../base/units.js';
import type { Configuration } from '../config/configuration.js';
import type { Confinement } from '../media/decoder/confine.js';
import { startDecoder } from '../media/decoder/decoder.js';
import { canaryAgeDays } from '../moderation/canary.js';
import { CanaryFile } from '../moderation/canary-file.js';
import { confinedClassifier } from '../moderation/classifier/confined.js';
import { tryClassifier } from '../moderation/classifier/classifier.js';
import type { ClassifierFault } from '../moderation/classifier/model-process.js';
import { findTor } from '../tor/tor-binary.js';
import { controlSocketOf } from './control-socket.js';
import { desk } from './desk-check.js';
import { coreDumps, swap, SWAP_UNTOLD, text } from './memory-check.js';
import { nodeOwner, nodeVersion, ptrace, switches } from './node-check.js';
import { askRunning } from './running.js';
import { tpmFinding } from './tpm-check.js';

export type State = 'good' | 'warn' | 'refuse';

export interface Finding {
  readonly name: string;
  readonly state: State;
  /** What is so. */
  readonly says: string;
  /** What to do about it; empty where all is well. */
  readonly todo: string;
}

const good = (name: string, says: string): Finding => ({ name, state: 'good', says, todo: '' });
const warn = (name: string, says: string, todo: string): Finding => ({ name, state: 'warn', says, todo });
const refuse = (name: string, says: string, todo: string): Finding => ({ name, state: 'refuse', says, todo });

type Check = (configuration: Configuration) => Promise<Finding> | Finding;

/** Checks that strict mode makes before it starts: quick, and without a process of their own. */
const HOLDS: readonly Check[] = [swap, coreDumps, slots, rootKeyPlace, permissions];
/** The rest of what `doctor` looks at. */
const MORE: readonly Check[] = [
  nodeVersion,
  nodeOwner,
  switches,
  ptrace,
  clock,
  space,
  decoder,
  video,
  classifier,
  canary,
  tor,
  desk,
];

/** What is true of one process only, beside its decoder: where an appliance runs, it is asked, for it is not limited as a shell is. */
const OWN: readonly (() => Promise<Finding> | Finding)[] = [swap, coreDumps, switches];

export interface OwnFindings {
  readonly findings: readonly Finding[];
}

/** `confinement`: of the decoder's children that work for this process. */
export async function ownFindings(confinement: Confinement): Promise<OwnFindings> {
  const findings = await Promise.all(OWN.map(async (check) => check()));
  const supervised = process.env['NOTIFY_SOCKET'] !== undefined;
  return {
    findings: [...findings.filter((finding) => finding !== SWAP_UNTOLD), confinementFinding(confinement, supervised)],
  };
}

export async function strictFindings(configuration: Configuration): Promise<Finding[]> {
  const findings = await Promise.all(HOLDS.map(async (check) => check(configuration)));
  return findings.filter(({ state }) => state === 'refuse');
}

/** Everything. What strict mode would refuse is a warning where strict mode is off. */
export async function allFindings(configuration: Configuration): Promise<Finding[]> {
  const held = await Promise.all(HOLDS.map(async (check) => check(configuration)));
  const more = await Promise.all(MORE.map(async (check) => check(configuration)));
  const running = await askRunning<OwnFindings>(await controlSocketOf(configuration), 'GET /own').catch(() => null);
  const truer = (finding: Finding): Finding => running?.findings.find(({ name }) => name === finding.name) ?? finding;
  const softened = held
    .map(truer)
    .map((finding) =>
      finding.state === 'refuse' && !configuration.strict ? { ...finding, state: 'warn' as const } : finding,
    );
  return [...softened, ...more.map(truer)];
}

/** File systems that keep older copies of what is overwritten, or hand it to others. */
const KEEPS_COPIES = /^(btrfs|zfs|bcachefs|overlay|aufs|nfs\d?|cifs|smb3|9p|fuse.*|f2fs|nilfs2)$/;

async function slots(configuration: Configuration): Promise<Finding> {
  const { tpm, slotDir } = configuration;
  return tpm === null ? fileSystem(slotDir) : tpmFinding(tpm, configuration);
}

async function fileSystem(slotDir: string): Promise<Finding> {
  const mount = mountOf(await nearest(slotDir), await text('/proc/self/mountinfo'));
  if (mount === null)
    return warn('file system', 'could not be told', 'make sure that it overwrites in place (ext4, xfs)');
  const { type, options } = mount;
  const todo = 'put CHATPIC_SLOT_DIR on ext4 or xfs without data=journal, or in RAM (tmpfs)';
  if (KEEPS_COPIES.test(type)) return refuse('file system', `${type} may keep what was overwritten`, todo);
  if (options.includes('data=journal')) return refuse('file system', 'data=journal keeps what was overwritten', todo);
  return good(
    'file system',
    type === 'tmpfs' ? 'slots live in RAM: power off and everything is gone' : `${type} overwrites in place`,
  );
}

/** The folder itself, or what is above it and exists already. */
async function nearest(folder: string): Promise<string> {
  const there = await stat(folder).then(
    () => true,
    () => false,
  );
  return there || folder === path.dirname(folder) ? folder : nearest(path.dirname(folder));
}

function mountOf(folder: string, mountinfo: string): { type: string; options: string } | null {
  let best: { point: string; type: string; options: string } | null = null;
  for (const line of mountinfo.split('\n')) {
    const [left, right] = line.split(' - ');
    const point = left?.split(' ')[4]?.replace(/\\040/g, ' ');
    const [type, , superOptions] = right?.split(' ') ?? [];
    if (point === undefined || type === undefined) continue;
    const under = point === '/' || folder === point || folder.startsWith(`${point}/`);
    if (under && point.length >= (best?.point.length ?? 0)) best = { point, type, options: superOptions ?? '' };
  }
  return best;
}

async function rootKeyPlace({ rootKey, dataDir }: Configuration): Promise<Finding> {
  if (rootKey !== 'file')
    return good('root key', rootKey === 'credential' ? 'handed over by the supervisor' : 'from a passphrase');
  const key = path.join(dataDir, 'key', 'root.key');
  const says = 'the root key lies beside the store: whoever takes the disk has both';
  const todo = 'use CHATPIC_ROOT_KEY=credential or passphrase where the machine may be taken';
  const info = await stat(key).catch(() => null);
  if (info !== null && (info.mode & 0o077) !== 0)
    return refuse('root key', 'the key file can be read by others', 'chmod 600 it');
  return refuse('root key', says, todo);
}

async function permissions({ dataDir }: Configuration): Promise<Finding> {
  const info = await stat(dataDir).catch(() => null);
  if (info === null) return good('data folder', 'not made yet');
  if ((info.mode & 0o077) !== 0) return refuse('data folder', 'others can look into it', `chmod 700 it`);
  return good('data folder', 'its owner\u2019s alone');
}

/** Nothing that runs this can be older than it. */
const WRITTEN = Date.UTC(2026, 10, 1);

function clock(): Finding {
  if (Date.now() >= WRITTEN) return good('clock', 'plausible');
  return refuse(
    'clock',
    'the clock is set to a time before this program was written',
    'set the clock, and keep it with NTP',
  );
}

async function space({ dataDir, storeMegabytes }: Configuration): Promise<Finding> {
  const made = await stat(path.join(dataDir, 'arena')).catch(() => null);
  if (made !== null) return good('space', 'the store has all of its room already');
  const { bavail, bsize } = await statfs(await nearest(dataDir));
  if (bavail * bsize > storeMegabytes * MiB * 1.05) return good('space', 'there is room for the store');
  return refuse('space', 'the disk has less room than the store takes', 'make room, or set a smaller CHATPIC_STORE_MB');
}

async function decoder(): Promise<Finding> {
  const child = startDecoder({ children: 1, warm: 1 });
  try {
    const confinement = await child.confinement();
    if (!child.healthy)
      return refuse('decoder', 'the decoder can not be started', 'run npm ci, and look whether sharp loads');
    return confinementFinding(confinement, false);
  } finally {
    await child.close();
  }
}

/** `supervised`: as a service, whose own walls, rated higher, leave no room for the children's (docs/OPERATIONS.md). */
export function confinementFinding({ files, network, memory }: Confinement, supervised: boolean): Finding {
  const says = `files ${files}, network ${network}, memory ${memory}`;
  if (files === 'own-root' && network === 'none' && memory === 'limited') return good('decoder', says);
  if (supervised && network === 'none' && memory !== 'unwatched')
    return good('decoder', `${says}: the service's walls`);
  return warn('decoder', says, 'install bubblewrap and util-linux, so that the decoder is confined fully');
}

async function video(): Promise<Finding> {
  const found = await findOnPath('ffmpeg');
  if (found) return good('video previews', 'ffmpeg is there');
  return warn('video previews', 'ffmpeg is missing: videos have no poster and are not looked at', 'apt install ffmpeg');
}

async function classifier({ classifierFile }: Configuration): Promise<Finding> {
  const status = await tryClassifier(await confinedClassifier(classifierFile));
  switch (status.kind) {
    case 'ready':
      return good('classifier', 'the model is loaded and answers');
    case 'missing':
      return warn(
        'classifier',
        'none: only lists and people judge pictures',
        'set CHATPIC_CLASSIFIER (docs/MODERATION.md)',
      );
    default:
      return refuse(
        'classifier',
        FAULTS[status.kind === 'failing' ? status.fault : 'timed-out'],
        'see docs/MODERATION.md',
      );
  }
}

/** Older, and people begin to ask. */
const STALE_DAYS = 45;

async function canary({ canaryFile }: Configuration): Promise<Finding> {
  if (canaryFile === null) return good('canary', 'none is published');
  const published = await new CanaryFile(canaryFile).read();
  const todo = 'sign it anew with `chatpic canary sign`, and copy FILE and FILE.pub here';
  if (published === null) return refuse('canary', 'it can not be read, or is not signed by the key beside it', todo);
  const days = canaryAgeDays(published, Date.now());
  return days > STALE_DAYS
    ? warn('canary', `signed ${days} days ago`, todo)
    : good('canary', `signed ${days} days ago`);
}

const FAULTS: Readonly<Record<ClassifierFault, string>> = {
  'model-unreadable': 'the file that CHATPIC_CLASSIFIER names can not be read: pictures are not judged',
  'card-unreadable': 'the card beside the model is missing or wrong: pictures are not judged',
  'model-refused': 'the engine does not take the model, or it is not what its card says: pictures are not judged',
  'engine-missing': 'the engine can not be started: pictures are not judged',
  crashed: 'the engine ended while it looked at a picture: pictures are not judged',
  'timed-out': 'the model takes too long: pictures are not judged',
};

async function findOnPath(program: string): Promise<boolean> {
  const folders = (process.env['PATH'] ?? '').split(path.delimiter);
  const found = await Promise.all(
    folders.map((folder) =>
      stat(path.join(folder, program)).then(
        () => true,
        () => false,
      ),
    ),
  );
  return found.includes(true);
}

async function tor(): Promise<Finding> {
  try {
    const { version, proofOfWork } = await findTor(process.env['PATH'] ?? '');
    if (proofOfWork) return good('tor', version);
    return warn('tor', `${version} has no proof of work`, 'install a tor that was built with it (Debian\u2019s is)');
  } catch (error) {
    return warn('tor', error instanceof Error ? error.message : 'not found', 'apt install tor');
  }
}
