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

type Edit = readonly [file: string, from: string];

interface Control {
  readonly name: string;
  readonly switches: Switches;
  /** What is taken out of a copy of the build. */
  readonly edits?: readonly Edit[];
}

/**
 * The second collection frees all that can be: what the others keep out of memory until then is found where it is left out
 * too. Node 22's first one does the same (`last-resort`).
 */
const SECOND: Edit = ['janitor/collect.js', "queryObjects(SharedArrayBuffer, { format: 'count' });"];

const MEASURES: readonly (readonly Edit[])[] = [
  [['app.js', 'listener.forget();']],
  [['app.js', 'overwriteStack();']],
  [['app.js', 'collectGarbage(idle);']],
  [['web/residue.js', 'parsers.max = 0;']],
];

function controls(): Control[] {
  const { node, tunables } = serviceSwitches();
  const without = (left: string): Switches => ({
    node: node.filter((flag) => flag !== left),
    tunables: tunables.filter((tunable) => tunable !== left),
  });
  // The third tunable is there to give memory back, not to hide what was in it.
  const left = ['--expose-gc', ...tunables.filter((name) => /perturb|tcache/.test(name))];
  return [
    ...left.map((name) => ({ name, switches: without(name), edits: name.includes('perturb') ? [SECOND] : [] })),
    ...MEASURES.map((edits) => ({
      name: edits.map((edit) => edit.join(': ')).join(', '),
      switches: serviceSwitches(),
      edits,
    })),
    ...(NODE_MAJOR >= 22 ? [] : onNode20(without('--clear-free-memory'))),
  ];
}

function onNode20(withoutZeroing: Switches): Control[] {
  const { node, tunables } = serviceSwitches();
  // V8 never gives back a young space that is as small as can be.
  const small = { node: ['--max-semi-space-size=1', ...node], tunables };
  return [
    { name: '--clear-free-memory', switches: withoutZeroing, edits: [SECOND] },
    { name: SECOND.join(': '), switches: small, edits: [SECOND] },
  ];
}

/** A copy of the build without some things. */
function buildWithout(dir: string, edits: readonly Edit[]): string {
  cpSync(path.join(ROOT, 'build/src'), path.join(dir, 'build/src'), { recursive: true });
  for (const name of ['templates', 'node_modules', 'package.json'])
    symlinkSync(path.join(ROOT, name), path.join(dir, name));
  for (const [file, from] of edits) {
    const edited = path.join(dir, 'build/src', file);
    const text = readFileSync(edited, 'utf8');
    if (!text.includes(from)) throw new Error(`${file} has no ${from}`);
    writeFileSync(edited, text.replace(from, ';'));
  }
  return path.join(dir, 'build/src/main.js');
}

/** What visitors of a process without this leave behind. */
async function leftBehind({ switches, edits = [] }: Control): Promise<Record<string, number>> {
  const dir = mkdtempSync(path.join(tmpdir(), 'chatpic-without-'));
  const { settings, ways } = await twoWays();
  const served = await serve(switches, settings, edits.length === 0 ? MAIN : buildWithout(dir, edits));
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
        let found = await leftBehind(control);
        // What a stack or a freed piece is used for next is chance.
        for (let tries = 1; tries < 3 && Object.keys(found).length === 0; tries++) found = await leftBehind(control);
        t.not(Object.keys(found).length, 0, `${control.name} ${JSON.stringify(found)}`);
      }
    };
    await Promise.all([work(), work(), work()]);
  },
);

/** With it too something is found where only a plain collection is left: so the two are weighed against each other. */
async function copiesLeft(switches: Switches): Promise<number> {
  const RESORT: Edit = ['janitor/collect.js', "collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });"];
  const found = await leftBehind({ name: 'a plain collection', switches, edits: [SECOND, RESORT] });
  return Object.values(found).reduce((sum, count) => sum + count, 0);
}

// On Node 20 it has a control above.
if (NODE_MAJOR >= 22) {
  test.test(
    'on Node 22 --clear-free-memory takes away most of what a plain collection leaves',
    { ...readable, timeout: 100_000 },
    async (t) => {
      const given = serviceSwitches();
      const [left, without] = await Promise.all([
        copiesLeft(given),
        copiesLeft({ ...given, node: given.node.filter((flag) => flag !== '--clear-free-memory') }),
      ]);
      t.ok(without > 2 * left, `${without} copies without it, ${left} with it`);
    },
  );
}
