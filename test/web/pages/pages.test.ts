/** Every page in every state and language: what must hold of all of them. */
import test from 'tap';
import { LANGUAGES } from '../../../src/web/texts/texts.js';
import type { Language } from '../../../src/web/texts/texts.js';
import { parse } from './markup.js';
import type { Element } from './markup.js';
import { HOSTILE, HOSTILE_STATES, STATES, hashOf, pages } from './states.js';
import type { State } from './states.js';
import { NOTHING_TYPED } from '../../../src/web/pages/views.js';

const ALL = [...STATES, ...HOSTILE_STATES];
const LANGS = Object.keys(LANGUAGES) as Language[];
/** Links that a caller hands in as links: they may lead outside of the path of the page. */
const GIVEN = /^(http:\/\/chatpic[a-z2-7]+\.onion|https:\/\/chatpic\.example)\//;

function* everyPage(): Generator<{
  where: string;
  state: State;
  language: Language;
  html: string;
  elements: Element[];
}> {
  for (const state of ALL) {
    for (const language of LANGS) {
      const { html } = state.render(language);
      yield { where: `${state.name} in ${language}`, state, language, html, elements: parse(html) };
    }
  }
}

const attribute = (element: Element, name: string): string | undefined => element.attributes.get(name);

test.test('a page has no script, handler, style attribute, SVG, frame, font or refresh', (t) => {
  const allowed =
    'html head meta link title style body header main footer nav a i h1 h2 h3 p div span b small ul li dl dt dd table caption tr th td form fieldset legend label input select option textarea button details summary section article figure figcaption img video pre code';
  const names = new Set(allowed.split(' '));
  const wrong: string[] = [];
  for (const { where, elements } of everyPage()) {
    for (const element of elements) {
      if (!names.has(element.name)) wrong.push(`${where}: <${element.name}>`);
      for (const [name, value] of element.attributes) {
        if (/^(on|style$|srcdoc$|ping$|formaction$)/.test(name)) wrong.push(`${where}: ${name}`);
        if (/^\s*(javascript|vbscript):/i.test(value) && ['href', 'src', 'action'].includes(name))
          wrong.push(`${where}: ${value}`);
      }
      if (element.name === 'meta' && element.attributes.has('http-equiv')) wrong.push(`${where}: http-equiv`);
    }
  }
  t.strictSame(wrong, []);
  t.end();
});

test.test('a page asks nothing of anybody else', (t) => {
  const wrong: string[] = [];
  for (const { where, elements } of everyPage()) {
    for (const element of elements) {
      for (const name of ['href', 'src', 'action']) {
        const value = attribute(element, name);
        if (value === undefined || /^(\/(?!\/)|\?lang=|#)/.test(value)) continue;
        if (name === 'src' && value.startsWith('data:image/png;base64,')) continue;
        if (value === 'data:,' && element.name === 'link') continue;
        if (name === 'href' && (value.startsWith('data:text/plain;') || GIVEN.test(value))) continue;
        wrong.push(`${where}: ${name}=${value.slice(0, 60)}`);
      }
      if (element.name === 'style' && /@import|@font-face|url\((?!\/progress\/)|expression|<\//.test(element.text)) {
        wrong.push(`${where}: ${element.text.slice(0, 80)}`);
      }
    }
  }
  t.strictSame(wrong, []);
  t.end();
});

test.test('what a visitor typed comes out as text, whole, and as nothing else', (t) => {
  for (const state of HOSTILE_STATES) {
    const { html } = state.render('en');
    t.notOk(html.includes('<script'), state.name);
    t.notOk(html.includes('<img src=x'), state.name);
    const elements = parse(html);
    const said = elements.some(
      (element) =>
        element.text.includes(HOSTILE) || [...element.attributes.values()].some((value) => value.includes(HOSTILE)),
    );
    t.ok(said, `${state.name} says it back`);
    t.notOk(html.includes('42049'), `${state.name}: marks of templates are not obeyed`);
  }
  t.end();
});

test.test('what a visitor typed is isolated in its own direction', (t) => {
  const { html } = HOSTILE_STATES.find((state) => state.name === 'share-hostile')!.render('en');
  // A line feed right behind <pre> is no part of its text.
  const holders = parse(html).filter(
    ({ name, text }) => text.replace(/^\n/, '') === HOSTILE && ['b', 'p', 'pre'].includes(name),
  );
  t.strictSame(new Set(holders.map(({ name }) => name)), new Set(['b', 'p', 'pre']));
  t.strictSame(
    holders.filter((element) => element.attributes.get('dir') !== 'auto').map((element) => element.name),
    [],
  );
  t.end();
});

test.test('links, tokens and checksums run left to right in every language', (t) => {
  const wrong: string[] = [];
  for (const { where, elements } of everyPage()) {
    for (const code of elements.filter(({ name }) => name === 'code')) {
      if (attribute(code, 'dir') !== 'ltr') wrong.push(`${where}: ${code.text}`);
    }
  }
  t.strictSame(wrong, []);
  t.end();
});

test.test('ids are unique, and everything that names an id finds it', (t) => {
  const wrong: string[] = [];
  for (const { where, elements } of everyPage()) {
    const ids = elements.map((element) => attribute(element, 'id')).filter((id) => id !== undefined);
    if (new Set(ids).size !== ids.length) wrong.push(`${where}: an id twice`);
    for (const element of elements) {
      for (const name of ['for', 'aria-describedby', 'aria-labelledby']) {
        for (const id of attribute(element, name)?.split(' ') ?? []) {
          if (!ids.includes(id)) wrong.push(`${where}: ${name}=${id}`);
        }
      }
    }
  }
  t.strictSame(wrong, []);
  t.end();
});

test.test('every field has a label, and every form says how it is sent', (t) => {
  const wrong: string[] = [];
  for (const { where, elements } of everyPage()) {
    const labelled = new Set(elements.filter(({ name }) => name === 'label').map((label) => attribute(label, 'for')));
    for (const element of elements) {
      if (element.name === 'form' && attribute(element, 'method') !== 'post') wrong.push(`${where}: form by GET`);
      if (!['input', 'select', 'textarea'].includes(element.name) || attribute(element, 'type') === 'hidden') continue;
      const id = attribute(element, 'id');
      if (element.parent?.name !== 'label' && !(id !== undefined && labelled.has(id)))
        wrong.push(`${where}: ${element.name} ${id}`);
    }
    const files = elements.find((element) => attribute(element, 'type') === 'file');
    let form = files?.parent ?? null;
    while (form !== null && form.name !== 'form') form = form.parent;
    if (form !== null && attribute(form, 'enctype') !== 'multipart/form-data') wrong.push(`${where}: enctype`);
  }
  t.strictSame(wrong, []);
  t.end();
});

test.test('a problem with a field is tied to that field', (t) => {
  const tied = STATES.filter(({ name }) =>
    /^(upload-(problem-|refused(?!-(busy|store|slow|cut)))|takedown-problem-(?!too-long|not-taken)|contact-(problem|too)|(question|challenge)-wrong|tokenEntry-u|report-t)/.test(
      name,
    ),
  );
  t.ok(tied.length >= 24);
  for (const state of tied) {
    const elements = parse(state.render('en').html);
    const field = elements.find(
      (element) =>
        /^(input|textarea|select|fieldset)$/.test(element.name) &&
        attribute(element, 'aria-describedby')?.split(' ').includes('problem'),
    );
    t.ok(field, state.name);
    // A group of choices can't be invalid for ARIA; each field alone can.
    t.ok(
      field?.name === 'fieldset' || (field && attribute(field, 'aria-invalid') === 'true'),
      `${state.name}: invalid`,
    );
    const problem = elements.find((element) => attribute(element, 'id') === 'problem');
    t.equal(problem && attribute(problem, 'role'), 'alert', state.name);
  }
  t.end();
});

test.test('a refusal that no field is to blame for blames none', (t) => {
  for (const state of STATES.filter(({ name }) => /^upload-refused-(busy|store|slow|cut)/.test(name))) {
    const elements = parse(state.render('en').html);
    t.notOk(
      elements.some((element) => element.attributes.has('aria-invalid')),
      state.name,
    );
  }
  t.end();
});

test.test('the page after a refusal has everything typed, and says that files must be chosen again', (t) => {
  for (const state of STATES.filter(({ name }) => /^upload-(problem|refused)/.test(name))) {
    const elements = parse(state.render('en').html);
    const kept = (id: string): string | undefined => {
      const element = elements.find((one) => attribute(one, 'id') === id);
      return element?.name === 'textarea' ? element.text : element && attribute(element, 'value');
    };
    t.equal(kept('caption'), 'From the "hill" & back', state.name);
    t.equal(kept('note'), '\nMeet me\n  at <noon>', state.name);
    t.equal(kept('f-pass'), 'correct horse', state.name);
    t.equal(kept('f-views'), '0', state.name);
    t.equal(kept('code'), 'PRO-1', state.name);
    const checked = elements.filter((one) => one.attributes.has('checked')).map((one) => attribute(one, 'value'));
    t.strictSame(checked, [undefined, 'burn', 'hard', 'burn'], state.name);
    const problem = elements.find((one) => attribute(one, 'id') === 'problem');
    t.equal(/files must be chosen again/.test(problem?.text ?? ''), state.name !== 'upload-problem-note-too-long');
  }
  t.end();
});

test.test('only who opens the last view is told that there is no second try', (t) => {
  const told = STATES.filter(({ name }) => name.startsWith('question-'))
    .filter((state) => state.render('en').html.includes('no second try'))
    .map(({ name }) => name);
  t.strictSame(told, [
    'question-burn',
    'question-last',
    'question-word',
    'question-wrong-passphrase',
    'question-wrong-word',
  ]);
  t.end();
});

test.test('one h1, one main, a title and the language on every page', (t) => {
  const wrong: string[] = [];
  for (const { where, elements, language } of everyPage()) {
    for (const name of ['h1', 'main', 'title', 'header', 'footer']) {
      if (elements.filter((element) => element.name === name).length !== 1) wrong.push(`${where}: ${name}`);
    }
    const html = elements.find((element) => element.name === 'html')!;
    if (attribute(html, 'lang') !== LANGUAGES[language]!.tag) wrong.push(`${where}: lang`);
    if (attribute(html, 'dir') !== (language === 'fa' ? 'rtl' : 'ltr')) wrong.push(`${where}: dir`);
    const levels = elements.filter(({ name }) => /^h\d$/.test(name)).map(({ name }) => Number(name.slice(1)));
    levels.forEach((level, index) => {
      if (index > 0 && level > (levels[index - 1] ?? 0) + 1)
        wrong.push(`${where}: h${level} after h${levels[index - 1]}`);
    });
  }
  t.strictSame(wrong, []);
  t.end();
});

test.test('the hashes given are those of the style blocks, all of them and no others', (t) => {
  for (const state of STATES) {
    const { html, styleHashes } = state.render('en');
    const blocks = parse(html).filter((element) => element.name === 'style');
    t.strictSame(
      styleHashes,
      blocks.map((block) => `'sha256-${hashOf(block.text)}'`),
      state.name,
    );
  }
  t.end();
});

test.test('the language goes along with every link and form of ours, and with no link that is passed on', (t) => {
  const wrong: string[] = [];
  for (const { where, language, elements } of everyPage()) {
    for (const element of elements) {
      const target = attribute(element, 'action') ?? attribute(element, 'href');
      if (target === undefined || !target.startsWith('/') || /^\/(grant|canary)/.test(target)) continue;
      const carried = new URL(target, 'http://site').searchParams.get('lang');
      if (carried !== (language === 'en' ? null : language)) wrong.push(`${where}: ${target}`);
    }
    for (const code of elements.filter(({ name }) => name === 'code')) {
      if (code.text.includes('lang=')) wrong.push(`${where}: ${code.text}`);
    }
  }
  t.strictSame(wrong, []);
  t.end();
});

test.test('the answer to a POST offers no link that would lose it', (t) => {
  for (const state of STATES) {
    const offered = parse(state.render('en').html).some((element) => attribute(element, 'href')?.startsWith('?lang='));
    t.equal(offered, state.method === 'GET' && LANGS.length > 1, state.name);
  }
  t.end();
});

test.test('a page depends on its view and nothing else', (t) => {
  for (const state of STATES) t.equal(state.render('en').html, state.render('en').html, state.name);
  t.end();
});

test.test('the front page fits into the first 14 KB, headers included', (t) => {
  for (const language of LANGS) {
    for (const state of STATES.filter(({ name }) => /^upload(-note|-any-file)?$/.test(name))) {
      const { html, styleHashes } = state.render(language);
      const headers = 700 + styleHashes.join(' ').length;
      const bytes = Buffer.byteLength(html) + headers;
      if (state.name === 'upload')
        t.comment(`figure: front page, ${language}: ${Buffer.byteLength(html)} bytes and ${headers} of headers`);
      t.ok(bytes <= 14_336, `${state.name} in ${language}: ${bytes} bytes`);
    }
  }
  t.end();
});

test.test('a progress ID that could leave its style block is our bug', (t) => {
  const view = {
    kind: 'files',
    progressId: 'a);}*{background:url(//x',
    freeBytes: 1,
    proBytes: 1,
    captionLength: 1,
    noteLength: 1,
    anyFile: false,
    typed: NOTHING_TYPED,
    problem: null,
  } as const;
  t.throws(() => pages.upload({ language: 'en', path: '/', method: 'GET' }, view), /letters and digits/);
  t.end();
});
