import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'tap';
import { configure } from '../../src/config/configuration.js';
import { readEnvironment, SettingsError, unknownSettings } from '../../src/config/environment.js';
import { TPM_ROUNDS } from '../../src/store/tpm-slots.js';

const ONION = `${'a2'.repeat(28)}.onion`;

test.test('with nothing set, every setting has its promised default', (t) => {
  const c = configure(readEnvironment({ PATH: '/bin', CHATPIC_LISTEN: '' }));
  t.match(c, {
    dataDir: path.resolve('./var'),
    slotDir: path.resolve('./var'),
    tpm: null,
    storeMegabytes: 2048,
    rootKey: 'file',
    strict: false,
    rollSeconds: 60,
    listen: { kind: 'tcp', host: '127.0.0.1', port: 8080 },
    circuitIds: false,
    deskListen: { kind: 'tcp', host: '127.0.0.1', port: 8081 },
    mirror: null,
    onionOrigin: null,
    mirrorOrigin: null,
    freeBytes: 50_000_000,
    proBytes: 100_000_000,
    anyFile: false,
    holdBorderline: false,
    canaryFile: null,
    classifierFile: null,
    holdDays: 365,
    siteName: 'ChatPic',
  });
  t.end();
});

test.test('all that is wrong is reported at once, with name, value and what was expected', (t) => {
  const wrong = {
    CHATPIC_LISTEN: 'nonsense',
    CHATPIC_STORE_MB: '-1',
    CHATPIC_ROOT_KEY: 'guess',
    CHATPIC_FREE_MB: '5x',
    CHATPIC_MIRROR_ORIGIN: 'http://plain.example',
    CHATPIC_SITE_NAME: '<b>',
    CHATPIC_MIRROR_LISTEN: '1.2.3.4:99999',
  };
  try {
    readEnvironment(wrong);
    t.fail('accepted');
  } catch (error) {
    t.type(error, SettingsError);
    const complaints = (error as SettingsError).complaints;
    t.strictSame(complaints.map(({ name }) => name).sort(), Object.keys(wrong).sort());
    for (const { expected } of complaints) t.ok(expected.length > 3, expected);
    t.match((error as Error).message, 'CHATPIC_ROOT_KEY="guess": expected file or credential or passphrase');
  }
  t.end();
});

test.test('listeners are TCP, IPv6 or a Unix socket', (t) => {
  const listen = (text: string): unknown => configure(readEnvironment({ CHATPIC_LISTEN: text })).listen;
  t.strictSame(listen('[::1]:9'), { kind: 'tcp', host: '::1', port: 9 });
  t.strictSame(listen('localhost:0'), { kind: 'tcp', host: 'localhost', port: 0 });
  t.strictSame(listen('unix:/run/x.sock'), { kind: 'unix', path: '/run/x.sock' });
  t.throws(() => listen('unix:relative'), SettingsError);
  t.end();
});

test.test('the onion address is given as it is or by the file that tor writes', (t) => {
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'chatpic-')), 'hostname');
  writeFileSync(file, `${ONION}\n`);
  t.equal(configure(readEnvironment({ CHATPIC_ONION: ONION })).onionOrigin, `http://${ONION}`);
  t.equal(configure(readEnvironment({ CHATPIC_ONION: file })).onionOrigin, `http://${ONION}`);
  t.throws(() => configure(readEnvironment({ CHATPIC_ONION: 'short.onion' })), /v3 .onion address/);
  t.throws(() => configure(readEnvironment({ CHATPIC_ONION: '/nowhere/hostname' })), /readable file/);
  t.end();
});

test.test('settings that do not go together are refused', (t) => {
  t.throws(() => configure(readEnvironment({ CHATPIC_FREE_MB: '60', CHATPIC_PRO_MB: '50' })), /CHATPIC_PRO_MB/);
  t.throws(() => configure(readEnvironment({ CHATPIC_TLS_CERT: 'c.pem' })), /CHATPIC_TLS_KEY/);
  const mirror = configure(readEnvironment({ CHATPIC_MIRROR_LISTEN: '127.0.0.1:8443' })).mirror;
  t.strictSame(mirror, { listen: { kind: 'tcp', host: '127.0.0.1', port: 8443 }, tls: null, readOnly: false });
  t.end();
});

test.test('a TPM is named by its device and, where it must be, by the first of its two indices', (t) => {
  const tpm = (text: string, more = {}) => configure(readEnvironment({ CHATPIC_SLOT: text, ...more }));
  t.equal(tpm('file').tpm, null);
  t.strictSame(tpm('tpm:/dev/tpmrm0').tpm, { device: '/dev/tpmrm0', index: 0x018c7000 });
  t.strictSame(tpm('tpm:/dev/tpm0@0x01bffffe').tpm, { device: '/dev/tpm0', index: 0x01bffffe });
  for (const wrong of [
    'tpm',
    'tpm:',
    'tpm:relative',
    'tpm:/dev/tpm0@1',
    'tpm:/d@0x017fffff',
    'tpm:/d@0x01bfffff',
    'x',
  ]) {
    t.throws(() => tpm(wrong), /CHATPIC_SLOT=.*expected file, or tpm:/, wrong);
  }
  t.throws(() => tpm('tpm:/d', { CHATPIC_SLOT_DIR: '/dev/shm' }), /CHATPIC_SLOT_DIR/);
  t.end();
});

test.test('rounds of a TPM are so far apart that it lasts five years', (t) => {
  const seconds = (roll: string) =>
    configure(readEnvironment({ CHATPIC_SLOT: 'tpm:/d', CHATPIC_ROLL_SECONDS: roll })).rollSeconds;
  t.equal(seconds(''), 3600);
  t.equal(seconds('3200'), 3200);
  t.ok((3200 * TPM_ROUNDS) / (365.25 * 24 * 3600) > 5);
  for (const short of ['60', '3199'])
    t.throws(() => seconds(short), /CHATPIC_ROLL_SECONDS="?\d+"?: expected 3200 to 3600/);
  t.end();
});

test.test('misspelt settings are named', (t) => {
  t.strictSame(unknownSettings({ CHATPIC_LISTN: 'x', CHATPIC_LISTEN: 'y', CHATPIC_TEST_ALL: '1', HOME: '/' }), [
    'CHATPIC_LISTN',
  ]);
  t.end();
});
