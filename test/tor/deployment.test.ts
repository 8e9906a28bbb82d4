/** The files that an operator copies: checked by the programs that will read them. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import test from 'tap';
import { readEnvironment, unknownSettings } from '../../src/config/environment.js';
import { needs } from '../needs.js';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const run = promisify(execFile);

test.test('tor takes the example configuration', needs('tor'), async (t) => {
  const { stdout } = await run('tor', ['--verify-config', '-f', path.join(ROOT, 'torrc.example')], {
    env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` },
  });
  t.match(stdout, 'Configuration was valid');
});

test.test('the service is exposed by 0.5 at most', needs('systemd-analyze'), async (t) => {
  const unit = path.join(ROOT, 'systemd/chatpic.service');
  const { stdout } = await run('systemd-analyze', ['security', '--offline=true', unit]);
  const level = Number(/Overall exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1] ?? NaN);
  t.ok(level <= 0.5, `exposure ${level}`);
});

test.test('every setting of the environment file is one, and its values are taken', (t) => {
  const text = readFileSync(path.join(ROOT, 'systemd/chatpic.env'), 'utf8');
  const given: Record<string, string> = {};
  for (const [, name = '', value = ''] of text.matchAll(/^#?(CHATPIC_\w+)=(.*)$/gm)) given[name] = value;
  t.ok(Object.keys(given).length > 10);
  t.strictSame(unknownSettings(given), []);
  t.doesNotThrow(() => readEnvironment(given));
  t.end();
});
