/** A class without a style is a layout that was lost when sheets were moved about: nothing else would tell. */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import test from 'tap';

const TEMPLATES = path.resolve(import.meta.dirname, '../../../../templates');

function classesOf(folder: string): Set<string> {
  const templates = readdirSync(path.join(TEMPLATES, folder)).filter((name) => name.endsWith('.njk'));
  const sources = templates.map((name) => readFileSync(path.join(TEMPLATES, folder, name), 'utf8'));
  const attributes = sources.flatMap((source) =>
    [...source.matchAll(/class="([^"]*)"/g)].map((match) => match[1] ?? ''),
  );
  return new Set(
    attributes.flatMap((names) => names.replace(/\S*\{\{.*?\}\}|\{%.*?%\}/g, ' ').split(/\s+/)).filter(Boolean),
  );
}

for (const [folder, sheets] of [
  ['desk', ['public/base.css', 'public/inner.css', 'desk/desk.css']],
  ['public', ['base', 'inner', 'share', 'text', 'upload'].map((name) => `public/${name}.css`)],
] as const) {
  test.test(`every class that a template of ${folder} names has a style`, (t) => {
    const css = sheets.map((name) => readFileSync(path.join(TEMPLATES, name), 'utf8')).join('\n');
    t.strictSame(
      [...classesOf(folder)].filter((name) => !new RegExp(`\\.${name}(?![\\w-])`).test(css)),
      [],
    );
    t.end();
  });
}
