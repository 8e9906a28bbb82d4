/**
 * What a test needs beside Node. Where it is missing the test is skipped by name; with CHATPIC_TEST_ALL=1 a skip is a
 * failure, so that a full run can't pass by leaving things out.
 */
import { spawnSync } from 'node:child_process';

export type Tool =
  | 'exiftool'
  | 'ffmpeg'
  | 'ffprobe'
  | 'tor'
  | 'firefox-esr'
  | 'chromium'
  | 'openssl'
  | 'signify-openbsd'
  | 'mat2'
  | 'faketime'
  | 'systemd-analyze'
  | 'prlimit'
  | 'swtpm'
  | 'socat';

const found = new Map<Tool, boolean>();

function isInstalled(tool: Tool): boolean {
  const known = found.get(tool);
  if (known !== undefined) return known;
  const answer = spawnSync('sh', ['-c', `command -v ${tool} || test -x /usr/sbin/${tool}`]).status === 0;
  found.set(tool, answer);
  return answer;
}

/** Options for a tap test: `{}` where every tool is there, otherwise a skip that names what is missing. */
export function needs(...tools: readonly Tool[]): { skip?: string } {
  const missing = tools.filter((tool) => !isInstalled(tool));
  if (missing.length === 0) return {};
  if (process.env['CHATPIC_TEST_ALL'] === '1')
    throw new Error(`missing with CHATPIC_TEST_ALL=1: ${missing.join(', ')}`);
  return { skip: `needs ${missing.join(', ')}` };
}
