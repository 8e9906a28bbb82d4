/**
 * A whole Tor network on loopback, made of Debian's tor: directory authorities, relays, and clients on demand. Nothing
 * of it leaves this machine, and nothing of it is left when it is stopped.
 *
 * What makes it come up every time: all relays have equal bandwidth weights (one without any is never picked, and with
 * one left for each position circuits double back and die); the authorities vote only when each knows every relay; the
 * relays, which were needed only to publish, are stopped for the vote and started when there is a consensus to fetch
 * (otherwise their retries back off for half a minute).
 *
 *     const network = await startPrivateNetwork();
 *     const running = await startTor({ ... });        // with `network.joinLines` in its torrc.local
 *     const client = await network.startClient();
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort, freePorts } from '../../ports.js';
import { count, TorNode } from './tor-node.js';

const run = promisify(execFile);

const AUTHORITIES = 3;
const RELAYS = 5;
const PATIENCE = 60_000;
/** On a machine that gives a vote too little time it fails as a whole: then all of it is made anew. */
const ATTEMPTS = 2;
/** Seconds of the first voting period. Periods begin at multiples of it, and end with four seconds of exchange. */
const FIRST_VOTE = 10;

export interface TorClient {
  /** Streams with different SOCKS user names take different circuits. */
  readonly socksPort: number;
  /** What it said of onion services so far. */
  said(): string;
  stop(): Promise<void>;
}

export interface PrivateNetwork {
  /** What a tor's configuration needs to live in this network and no other. */
  readonly joinLines: string;
  /** Milliseconds that the network took to come up. */
  readonly took: number;
  /** A client that can build circuits. `keys` is a folder with `.auth_private` files. */
  startClient(keys?: string): Promise<TorClient>;
  stop(): Promise<void>;
}

interface Authority {
  readonly node: TorNode;
  readonly orPort: number;
  readonly dirPort: number;
  /** Its `DirAuthority` line. */
  readonly line: string;
}

/** Starts authorities and relays, and resolves when every one of them can build circuits through all. */
export async function startPrivateNetwork(): Promise<PrivateNetwork> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await attemptNetwork();
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
    }
  }
}

async function attemptNetwork(): Promise<PrivateNetwork> {
  const root = mkdtempSync(path.join(tmpdir(), 'onion-'));
  const nodes: TorNode[] = [];
  const began = Date.now();
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.stop()));
    rmSync(root, { recursive: true, force: true });
  };
  try {
    const joinLines = await raise(root, nodes, began + PATIENCE);
    const took = Date.now() - began;
    const startClient = (keys?: string): Promise<TorClient> => client(root, nodes, joinLines, keys);
    return { joinLines, took, startClient, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function raise(root: string, nodes: TorNode[], deadline: number): Promise<string> {
  const ports = await freePorts(2 * AUTHORITIES + RELAYS);
  const authorities = await Promise.all(
    Array.from({ length: AUTHORITIES }, (_, i) =>
      makeAuthority(new TorNode(root, `a${i}`), ports[2 * i]!, ports[2 * i + 1]!),
    ),
  );
  const join = joinLinesOf(authorities);
  const bandwidths = path.join(root, 'bandwidths');
  for (const authority of authorities) configureAuthority(authority, join, bandwidths, 1800);
  const relays = ports.slice(2 * AUTHORITIES).map((port, i) => {
    const node = new TorNode(root, `r${i}`);
    node.configure(nodeLines(node) + relayLines(port) + join);
    return node;
  });
  const all = [...authorities.map(({ node }) => node), ...relays];
  nodes.push(...all);
  for (const node of all) node.start();
  for (const { node, dirPort } of authorities) {
    await node.until('all relays', async () => (await knownRelays(dirPort)) >= all.length, deadline);
  }
  await vote(authorities, all, relays, bandwidths, join, deadline);
  for (const node of relays) node.start();
  for (const node of all) await node.until('microdescriptors', () => node.microdescriptors() >= all.length, deadline);
  return join;
}

/** One vote, when all is known; the relays are away meanwhile. */
async function vote(
  authorities: readonly Authority[],
  all: readonly TorNode[],
  relays: readonly TorNode[],
  bandwidths: string,
  join: string,
  deadline: number,
): Promise<void> {
  const weights = all.map((node) => `node_id=$${node.text('fingerprint').trim().split(' ')[1] ?? ''} bw=1000`);
  writeFileSync(bandwidths, `${Math.floor(Date.now() / 1000)}\n${weights.join('\n')}\n`);
  // At the beginning of a period, so that all of them vote in the same one: a vote that only two hold leaves the third alone.
  await sleep(FIRST_VOTE * 1000 - (Date.now() % (FIRST_VOTE * 1000)));
  for (const authority of authorities) {
    configureAuthority(authority, join, bandwidths, FIRST_VOTE);
    authority.node.signal('SIGHUP');
  }
  await Promise.all(relays.map((node) => node.stop()));
  for (const { node } of authorities)
    await node.until('the vote', () => node.consensusRelays() >= all.length, deadline);
}

async function makeAuthority(node: TorNode, orPort: number, dirPort: number): Promise<Authority> {
  const key = (name: string): string => node.file(`keys/authority_${name}`);
  const passphrase = node.file('passphrase');
  writeFileSync(passphrase, 'private\n');
  const generate =
    'exec tor-gencert --create-identity-key --passphrase-fd 0 -m 12 -a "$1" -i "$2" -s "$3" -c "$4" < "$5"';
  const files = [key('identity_key'), key('signing_key'), key('certificate'), passphrase];
  await run('sh', ['-c', generate, 'sh', `127.0.0.1:${dirPort}`, ...files]);
  const identity = /^fingerprint ([0-9A-F]{40})/m.exec(node.text('keys/authority_certificate'))?.[1];
  const fingerprint = await relayFingerprint(node, orPort);
  if (identity === undefined) throw new Error('tor-gencert made no certificate');
  const line = `DirAuthority ${node.name} orport=${orPort} no-v2 v3ident=${identity} 127.0.0.1:${dirPort} ${fingerprint}\n`;
  return { node, orPort, dirPort, line };
}

async function relayFingerprint(node: TorNode, orPort: number): Promise<string> {
  const options = [
    ...['--TestingTorNetwork', '1', '--DataDirectory', node.folder, '--Nickname', node.name, '--SocksPort', '0'],
    ...['--ORPort', `127.0.0.1:${orPort}`, '--Address', '127.0.0.1'],
    ...['--DirAuthority', `x 127.0.0.1:1 ${'f'.repeat(40)}`, '--quiet', '--list-fingerprint'],
  ];
  const { stdout } = await run('tor', [
    '-f',
    '/dev/null',
    '--defaults-torrc',
    '/dev/null',
    '--ignore-missing-torrc',
    ...options,
  ]);
  const fingerprint = /((?:[0-9A-F]{4} ?){10})\s*$/.exec(stdout)?.[1]?.replaceAll(' ', '');
  if (fingerprint?.length !== 40) throw new Error('tor made no fingerprint');
  return fingerprint;
}

function joinLinesOf(authorities: readonly Authority[]): string {
  return `TestingTorNetwork 1
PathsNeededToBuildCircuits 0.67
${authorities.map(({ line }) => line).join('')}`;
}

function nodeLines(node: TorNode): string {
  return `DataDirectory ${node.folder}
Nickname ${node.name}
RunAsDaemon 0
__OwningControllerProcess ${process.pid}
ShutdownWaitLength 0
Log notice file ${node.file('notice.log')}
V3AuthNIntervalsValid 3
MaxMemInQueues 256 MB
GeoIPFile /dev/null
GeoIPv6File /dev/null
`;
}

function relayLines(orPort: number): string {
  return `Address 127.0.0.1
OutboundBindAddress 127.0.0.1
ORPort 127.0.0.1:${orPort}
SocksPort 0
AssumeReachable 1
ExitRelay 1
ExitPolicy accept 127.0.0.0/8:*
ExitPolicy reject *:*
ExitPolicyRejectPrivate 0
ServerDNSDetectHijacking 0
ServerDNSTestAddresses
ServerDNSResolvConfFile /dev/null
ServerDNSAllowBrokenConfig 1
NumCPUs 1
ContactInfo none
`;
}

function configureAuthority(
  { node, orPort, dirPort }: Authority,
  join: string,
  bandwidths: string,
  firstVote: number,
): void {
  node.configure(`${nodeLines(node)}${relayLines(orPort)}${join}DirPort 127.0.0.1:${dirPort}
AuthoritativeDirectory 1
V3AuthoritativeDirectory 1
TestingDirAuthVoteExit *
TestingDirAuthVoteHSDir *
TestingDirAuthVoteGuard *
TestingMinExitFlagThreshold 0
AuthDirMaxServersPerAddr 0
TestingV3AuthInitialVotingInterval ${firstVote}
TestingV3AuthInitialVoteDelay 2
TestingV3AuthInitialDistDelay 2
V3AuthVotingInterval 300
V3AuthVoteDelay 4
V3AuthDistDelay 4
V3BandwidthsFile ${bandwidths}
`);
}

async function knownRelays(dirPort: number): Promise<number> {
  try {
    const answer = await fetch(`http://127.0.0.1:${dirPort}/tor/server/all`, { signal: AbortSignal.timeout(5000) });
    return answer.ok ? count(await answer.text(), /^router /gm) : 0;
  } catch {
    return 0;
  }
}

async function client(root: string, nodes: TorNode[], join: string, keys?: string): Promise<TorClient> {
  const socksPort = await freePort();
  const node = new TorNode(root, `c${nodes.length}`);
  nodes.push(node);
  const auth = keys === undefined ? '' : `ClientOnionAuthDir ${keys}\n`;
  node.configure(`${nodeLines(node)}${join}SocksPort 127.0.0.1:${socksPort} IsolateSOCKSAuth
${auth}Log [rend]debug file ${node.file('rend.log')}
SafeLogging 0
`);
  node.start();
  await node.until('circuits', () => node.bootstrapped, Date.now() + PATIENCE);
  return { socksPort, said: () => node.text('rend.log'), stop: () => node.stop() };
}
