import path from 'node:path';
import test from 'tap';
import { createPages, type Pages } from '../../../src/web/pages/pages.js';
import { progressStyle } from '../../../src/web/pages/progress-document.js';
import { NOTHING_TYPED, type PageContext, type UploadView } from '../../../src/web/pages/views.js';
import { sha256Base64 } from '../../../src/crypto/hash.js';

const templatesDir = path.resolve(import.meta.dirname, '../../../../templates/public');
const pages: Pages = createPages({ templatesDir, siteName: 'Chät – Pic', hashOf: sha256Base64 });
const context: PageContext = { language: 'en', path: '/', method: 'GET' };

function view(progressId: string, more: Partial<UploadView> = {}): UploadView {
  const limits = {
    freeBytes: 50e6,
    proBytes: 100e6,
    captionLength: 500,
    noteLength: 100_000,
    anyFile: false,
    proDays: null,
    pass: null,
  };
  return { kind: 'files', progressId, ...limits, typed: NOTHING_TYPED, problem: null, ...more };
}

function unescaped(html: string): string {
  return html.replace(/&#(\d+);/g, (_all, code: string) => String.fromCodePoint(Number(code)));
}

test.test('the front page that is kept says what rendering anew says, with the ID of each answer', (t) => {
  for (const id of ['a'.repeat(22), 'Zz09'.repeat(5) + 'Zz', 'b'.repeat(22)]) {
    // Typed in the same words, but not the form as everybody gets it: rendered anew.
    const anew = pages.upload(context, view(id, { typed: { ...NOTHING_TYPED } }));
    const kept = pages.upload(context, view(id));
    t.equal(unescaped(kept.html), unescaped(anew.html));
    t.match(kept.html, /^[\0-\x7f]*$/, 'in ASCII');
    t.same(kept.styleHashes, anew.styleHashes);
    t.ok(kept.styleHashes.includes(`'sha256-${sha256Base64(progressStyle('en', id))}'`));
    t.equal(kept.html.split(id).length, 5, 'the style, both forms, and the progress in words');
  }
  t.end();
});

test.test('what a visitor typed and other limits are never taken from what is kept', (t) => {
  const id = 'c'.repeat(22);
  pages.upload(context, view(id));
  t.match(pages.upload(context, view(id, { typed: { ...NOTHING_TYPED, caption: 'mine' } })).html, /mine/);
  t.notMatch(pages.upload(context, view(id)).html, /mine/);
  t.match(pages.upload(context, view(id, { problem: { code: 'nothing-chosen' } })).html, /id="problem"/);
  t.notMatch(pages.upload(context, view(id)).html, /id="problem"/);
  t.match(pages.upload(context, view(id, { freeBytes: 7e6 })).html, /7 MB/);
  t.end();
});

test.test('as bytes it is the same, for one answer at a time, and nothing of an ID is left in it', (t) => {
  const [a, b, c] = ['a', 'b', 'c'].map((letter) => letter.repeat(22)) as [string, string, string];
  const russian: PageContext = { ...context, language: 'ru' };
  for (const where of [context, russian]) {
    const [one, other] = [pages.uploadBytes(where, view(a)), pages.uploadBytes(where, view(b))];
    for (const [page, id] of [
      [one, a],
      [other, b],
    ] as const) {
      t.equal(page.bytes.toString('utf8'), pages.upload(where, view(id)).html);
      t.same(page.styleHashes, pages.upload(where, view(id)).styleHashes);
    }
    one.release();
    t.notOk(one.bytes.includes(a), 'wiped once it has left');
    t.equal(pages.uploadBytes(where, view(c)).bytes, one.bytes, 'and used for the next');
    t.equal(one.bytes.toString('utf8'), pages.upload(where, view(c)).html);
    t.equal(other.bytes.toString('utf8'), pages.upload(where, view(b)).html, 'which leaves other answers alone');
  }
  t.end();
});
