/**
 * The order of the rooms, the owners of third-party packages, and the absence of import cycles.
 * A file imports its own room and the rooms before it in `ROOMS`; a package is imported by its one owner.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'tap';

const ROOT = path.resolve(import.meta.dirname, '../..');
const SRC = path.join(ROOT, 'src');

const ROOMS = [
  'base',
  'crypto',
  'config',
  'media',
  'store',
  'ledger',
  'moderation',
  'shred',
  'intake',
  'retrieval',
  'janitor',
  'tor',
  'web',
  'desk',
  'app.ts',
  'cli',
  'main.ts',
] as const;

/** Where each package may be imported: a room, or one file. */
const OWNERS: Readonly<Record<string, string | readonly string[]>> = {
  'node:crypto': 'crypto/',
  zod: 'config/',
  sharp: 'media/',
  'file-type': 'media/',
  'sql.js': 'ledger/',
  '@koa/multer': ['intake/', 'desk/'],
  multer: 'intake/',
  yazl: 'retrieval/',
  'onnxruntime-web': 'moderation/',
  'node-schedule': 'janitor/',
  koa: ['web/', 'desk/'],
  '@koa/router': ['web/', 'desk/'],
  'content-disposition': 'web/',
  'range-parser': 'retrieval/',
  nunjucks: 'web/',
  qrcode: 'web/',
  'node-forge': 'web/certificate.ts',
  commander: ['cli/', 'main.ts'],
};

interface Import {
  readonly file: string;
  readonly target: string;
  readonly typeOnly: boolean;
}

function sources(): string[] {
  return readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .map((name) => name.split(path.sep).join('/'))
    .filter((name) => name.endsWith('.ts'));
}

function importsOf(file: string): Import[] {
  const text = readFileSync(path.join(SRC, file), 'utf8');
  const found: Import[] = [];
  const pattern =
    /(?:^|\n)\s*(import|export)\s+(type\s)?[^;'"]*?from\s+['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)|(?:^|\n)\s*import\s+['"]([^'"]+)['"]/g;
  for (const match of text.matchAll(pattern)) {
    const specifier = match[3] ?? match[4] ?? match[5];
    if (specifier === undefined) continue;
    const target = specifier.startsWith('.')
      ? path.posix.join(path.posix.dirname(file), specifier).replace(/\.js$/, '.ts')
      : specifier;
    found.push({ file, target, typeOnly: match[2] !== undefined });
  }
  return found;
}

function roomOf(file: string): number {
  const top = file.split('/')[0] ?? '';
  return (ROOMS as readonly string[]).indexOf(top);
}

function packageOf(target: string): string {
  if (target.startsWith('node:')) return target;
  const parts = target.split('/');
  return target.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? '');
}

const files = sources();
const imports = files.flatMap(importsOf);
const inside = imports.filter(({ target }) => files.includes(target));

test.test('every file stands in a room', (t) => {
  t.strictSame(
    files.filter((file) => roomOf(file) < 0),
    [],
  );
  t.end();
});

test.test('nothing imports upward', (t) => {
  const upward = inside.filter(({ file, target }) => roomOf(target) > roomOf(file));
  t.strictSame(
    upward.map(({ file, target }) => `${file} -> ${target}`),
    [],
  );
  const nowhere = imports.filter(
    ({ target, file }) => target.endsWith('.ts') && !files.includes(target) && file !== '',
  );
  t.strictSame(
    nowhere.map(({ file, target }) => `${file} -> ${target}`),
    [],
    'every relative import is a source file',
  );
  t.end();
});

test.test('each third-party package has one room', (t) => {
  const wrong: string[] = [];
  for (const { file, target } of imports) {
    if (target.endsWith('.ts')) continue;
    const name = packageOf(target);
    const owner = OWNERS[name];
    if (owner === undefined) {
      if (!name.startsWith('node:')) wrong.push(`${file} imports ${name}, which no room owns`);
    } else if (![owner].flat().some((place) => (place.endsWith('/') ? file.startsWith(place) : file === place))) {
      wrong.push(`${file} imports ${name}, which belongs to ${[owner].flat().join(' or ')}`);
    }
  }
  t.strictSame(wrong, []);
  t.end();
});

test.test('no import cycles', (t) => {
  const edges = new Map<string, string[]>();
  for (const { file, target, typeOnly } of inside) {
    if (!typeOnly) edges.set(file, [...(edges.get(file) ?? []), target]);
  }
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (file: string, trail: readonly string[]): void => {
    if (trail.includes(file)) {
      cycles.push([...trail.slice(trail.indexOf(file)), file].join(' -> '));
      return;
    }
    if (done.has(file)) return;
    for (const target of edges.get(file) ?? []) visit(target, [...trail, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
  t.strictSame(cycles, []);
  t.end();
});

test.test('no barrels, no utils, no attic of types', (t) => {
  const names = files.filter((file) => /(^|\/)(index|utils?|helpers?|types|common|misc)(\.ts|\/)/.test(file));
  t.strictSame(names, []);
  t.end();
});
