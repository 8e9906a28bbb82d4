/** The catalogue: nothing missing, nothing left over, the same marks in every language, and Intl's words at the edges. */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import test from 'tap';
import { DAY, HOUR, MINUTE, SECOND } from '../../../src/base/units.js';
import type { LongText, Plural, TextKey } from '../../../src/web/texts/catalogue.js';
import { english } from '../../../src/web/texts/english.js';
import { longEnglish } from '../../../src/web/texts/long-english.js';
import { LANGUAGES, languageFrom, speakerOf } from '../../../src/web/texts/texts.js';
import type { Language } from '../../../src/web/texts/texts.js';
import { TEMPLATES } from './states.js';

const LANGS = Object.keys(LANGUAGES) as Language[];
const KEYS = Object.keys(english) as (keyof typeof english)[];
const marksOf = (text: string): string[] =>
  [...new Set([...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? ''))].sort();

test.test('every language says everything that English says, with the same marks', (t) => {
  for (const language of LANGS) {
    const { catalogue, tag } = LANGUAGES[language]!;
    t.strictSame(Object.keys(catalogue).sort(), [...KEYS].sort(), language);
    const categories = new Intl.PluralRules(tag).resolvedOptions().pluralCategories;
    for (const key of KEYS) {
      const measure: string | Plural = english[key];
      const said: string | Plural = catalogue[key];
      t.equal(typeof said, typeof measure, `${language} ${key}`);
      if (typeof said === 'string') {
        // French has a space before its colon.
        if (said.trim() === '' || (said !== said.trim() && key !== 'type.colon'))
          t.fail(`${language} ${key} is empty or padded`);
        if (marksOf(said).join() !== marksOf(measure as string).join())
          t.fail(`${language} ${key}: marks ${marksOf(said).join()}`);
        continue;
      }
      for (const category of categories) {
        // "many" of French and Spanish is for millions; the general form serves.
        if (said[category] === undefined && !(category === 'many' && ['fr', 'es'].includes(language))) {
          t.fail(`${language} ${key} has no form for "${category}"`);
        }
      }
      const wanted = marksOf((measure as Plural).other).join();
      for (const form of Object.values(said)) {
        if (marksOf(form).join() !== wanted) t.fail(`${language} ${key}: marks of "${form}"`);
      }
    }
  }
  t.end();
});

test.test('every language has all of the long pages, section by section, with the same marks', (t) => {
  for (const language of LANGS) {
    for (const name of ['faq', 'terms', 'privacy'] as const) {
      const measure = longEnglish[name];
      const said = LANGUAGES[language]!.long[name];
      const texts = textsOf(said);
      t.equal(said.sections.length, measure.sections.length, `${language} ${name}`);
      t.strictSame(texts.map(marksOf), textsOf(measure).map(marksOf), `${language} ${name}: paragraphs and marks`);
      t.ok(
        texts.every((text) => text.trim() === text && text !== ''),
        `${language} ${name}: nothing empty or padded`,
      );
      if (language === 'en') continue;
      const same = texts.filter((text, at) => text === textsOf(measure)[at] && !/^\{\w+\}$/.test(text));
      t.strictSame(same, [], `${language} ${name}: translated`);
    }
  }
  t.end();
});

function textsOf({ title, lead, sections }: LongText): string[] {
  return [title, lead, ...sections.flatMap(({ heading, paragraphs }) => [heading, ...paragraphs])];
}

test.test('a translation is a translation', (t) => {
  for (const language of LANGS.filter((one) => one !== 'en')) {
    const { catalogue } = LANGUAGES[language]!;
    const same = KEYS.filter(
      (key) =>
        typeof english[key] === 'string' && catalogue[key] === english[key] && /[a-z]{3} [a-z]/.test(english[key]),
    );
    t.strictSame(same, [], language);
  }
  t.end();
});

test.test('templates ask only for texts that there are', (t) => {
  const missing: string[] = [];
  for (const name of readdirSync(TEMPLATES).filter((file) => file.endsWith('.njk'))) {
    const source = readFileSync(path.join(TEMPLATES, name), 'utf8');
    for (const [, key = ''] of source.matchAll(/\b[tn]\('([^']+)'[,)]/g)) {
      if (!Object.hasOwn(english, key)) missing.push(`${name}: ${key}`);
    }
  }
  t.strictSame(missing, []);
  t.end();
});

test.test('no text that nobody asks for', (t) => {
  const sources = [
    ...readdirSync(TEMPLATES).map((name) => path.join(TEMPLATES, name)),
    ...['pages.ts', 'phrases.ts', 'progress-document.ts'].map((name) =>
      path.join(TEMPLATES, '../../src/web/pages', name),
    ),
    path.join(TEMPLATES, '../../src/web/progress-picture.ts'),
    path.join(TEMPLATES, '../../src/web/texts/texts.ts'),
  ].map((file) => readFileSync(file, 'utf8'));
  const all = sources.join('\n');
  const spelled = (key: string): boolean => all.includes(`'${key}'`) || all.includes(`"${key}"`);
  // Keys that are put together from a word of a union: 'expiry.' + choice, `removed.${kind}` and the like.
  const composed =
    /^(expiry|removed|problem|error|transparency|receipt\.warn\.|receipt\.(onion|mirror)|privacy|report|contact|takedown|(deleted|destroyed)\.|progress|picture)/;
  t.strictSame(
    KEYS.filter((key) => !spelled(key) && !composed.test(key)),
    [],
  );
  t.end();
});

test.test('a language is taken from the parameter and from nothing else', (t) => {
  for (const language of LANGS) t.equal(languageFrom(language), language);
  for (const other of [undefined, null, '', 'xx', 'EN', ['de'], 'constructor', '__proto__', 7])
    t.equal(languageFrom(other), 'en');
  t.end();
});

test.test('times are rounded up to the minute, in UTC', (t) => {
  const say = speakerOf('en');
  const noon = Date.UTC(2026, 2, 14, 12, 0, 0);
  t.match(say.time(noon), /12:00\sPM UTC$/);
  t.match(say.time(noon + 1), /12:01\sPM UTC$/);
  t.match(say.time(noon - 1), /12:00\sPM UTC$/);
  t.end();
});

test.test('a distance is never said longer than it is', (t) => {
  const say = speakerOf('en');
  const table: readonly (readonly [number, string])[] = [
    [0, 'now'],
    [SECOND - 1, 'now'],
    [SECOND, 'in 1 second'],
    [2 * MINUTE - 1, 'in 119 seconds'],
    [2 * MINUTE, 'in 2 minutes'],
    [2 * HOUR - 1, 'in 119 minutes'],
    [2 * HOUR, 'in 2 hours'],
    [24 * HOUR - 1, 'in 23 hours'],
    [2 * DAY - 1, 'in 47 hours'],
    [2 * DAY, 'in 2 days'],
    [7 * DAY, 'in 7 days'],
    [-5, 'now'],
  ];
  for (const [left, said] of table) t.equal(say.until(1_000_000 + left, 1_000_000), said);
  t.end();
});

test.test('sizes are decimal, as file managers show them', (t) => {
  const say = speakerOf('en');
  const table: readonly (readonly [number, string])[] = [
    [0, '0 bytes'],
    [1, '1 byte'],
    [999, '999 bytes'],
    [1000, '1 kB'],
    [999_499, '999 kB'],
    [999_500, '1 MB'],
    [8_912_000, '8.9 MB'],
    [50_000_000, '50 MB'],
    [2_400_000_000, '2.4 GB'],
  ];
  for (const [bytes, said] of table) t.equal(say.size(bytes), said);
  t.end();
});

test.test('a mark without a value, and a text that there is not, are our bugs', (t) => {
  const say = speakerOf('en');
  t.throws(() => say.text('error.too-large.limit'), /\{limit\}/);
  t.throws(() => say.text('no.such' as TextKey));
  t.end();
});

test.test('what was removed is told apart in every language', (t) => {
  for (const language of LANGS) t.match(speakerOf(language).list(['a', 'b', 'c']), /^a[,،、].*b.+c$/, language);
  t.end();
});
