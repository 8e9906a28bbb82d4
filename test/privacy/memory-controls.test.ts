/** Each switch of the service, and each measure in the code, keeps something out of memory: without it that is found. */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'tap';
import { MAIN } from '../recovery/process.js';
import type { Needle } from './needles.js';
import {
  NODE_MAJOR,
  PAUSE,
  pause,
  readable,
  ROOT,
  search,
  serve,
  serviceSwitches,
  told,
  twoWays,
  type Switches,
} from './served.js';
import { Visitor } from './visitor.js';

interface Control {
  readonly name: string;
  readonly switches: Switches;
  /** What is taken out of a copy of the build. */
  readonly edit?: readonly [file: string, from: string];
}

const MEASURES: readonly (readonly [file: string, from: string])[] = [
  ['web/residue.js', 'wipeAndGiveBack(piece);'],
  ['app.js', 'listener.forget();'],
  ['app.js', 'overwriteStack();'],
  ['app.js', 'collectGarbage(idle);'],
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
      await visitor?.everything(0);
      for (let number = 1; number < 4; number++) await visitor?.notes(number);
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
