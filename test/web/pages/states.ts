/**
 * Every page in every state, with quiet contents (to look at) and with hostile ones (to break out of). The walks over
 * all pages, in the tests and in real browsers, go through these.
 */
import { createHash } from 'node:crypto';
import path from 'node:path';
import { deflateSync } from 'node:zlib';
import type { RefusalCode } from '../../../src/base/errors.js';
import { DAY, HOUR, MINUTE } from '../../../src/base/units.js';
import { createPages } from '../../../src/web/pages/pages.js';
import type { Pages, Rendered } from '../../../src/web/pages/pages.js';
import { qrPicture } from '../../../src/web/pages/qr.js';
import type { Language } from '../../../src/web/texts/texts.js';
import * as views from '../../../src/web/pages/views.js';

export const TEMPLATES = path.resolve(import.meta.dirname, '../../../../templates/public');
export const hashOf = (text: string): string => createHash('sha256').update(text).digest('base64');
export const pages = createPages({ templatesDir: TEMPLATES, siteName: 'ChatPic', hashOf });

const NOW = Date.UTC(2026, 2, 14, 9, 26, 12);
const TOKEN = '7hQ2mZx90KbTfW4c';
const DELETION = 'a8Kq2LmX0pZr5TnV7bYc3DfG';
const ORIGIN = 'http://chatpicxmo3ud5yz6k2q4r7n5sbtwe3hdlafjgcpiv7ouyzx2mqd5rid.onion';
const LINK = `${ORIGIN}/view/${TOKEN}`;
const SHA = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08';

/** A PNG of `width` by `height`: a soft landscape of three colours, so that screenshots show something. */
export function picture(width: number, height: number): string {
  const rows = Buffer.alloc(height * (1 + width * 3));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const hill = height * (0.62 + 0.12 * Math.sin((5 * x) / width) + 0.04 * Math.sin((23 * x) / width));
      const sun = Math.hypot(x - width * 0.72, y - height * 0.3) < height * 0.11;
      const colour = sun
        ? [255, 236, 190]
        : y > hill
          ? [36, 92 + Math.round((40 * (y - hill)) / height), 84]
          : [
              242 - Math.round((90 * y) / height),
              178 + Math.round((30 * y) / height),
              160 + Math.round((60 * y) / height),
            ];
      rows.set(colour, y * (1 + width * 3) + 1 + x * 3);
    }
  }
  const chunk = (type: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const out = Buffer.alloc(body.length + 8);
    out.writeUInt32BE(data.length, 0);
    body.copy(out, 4);
    out.writeUInt32BE(crc(body), body.length + 4);
    return out;
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const png = Buffer.concat([
    signature,
    chunk('IHDR', head),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
  return `data:image/png;base64,${png.toString('base64')}`;
}

function crc(bytes: Buffer): number {
  let value = 0xffffffff;
  for (const byte of bytes) {
    value ^= byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  }
  return (value ^ 0xffffffff) >>> 0;
}

const PHOTO = picture(720, 480);
const QR = await qrPicture(LINK);
const inADay: views.Ending = { kind: 'at', at: NOW + DAY, now: NOW };

const upload: views.UploadView = {
  kind: 'files',
  progressId: 'k3v9QwZ0aL7pXr2M',
  freeBytes: 50_000_000,
  proBytes: 100_000_000,
  captionLength: 200,
  noteLength: 100_000,
  anyFile: false,
  proDays: null,
  pass: null,
  typed: views.NOTHING_TYPED,
  problem: null,
};
const fullyTyped: views.UploadTyped = {
  note: 'Meet me\n  at <noon>',
  caption: 'From the "hill" & back',
  expiry: 'burn',
  views: '0',
  passphrase: 'correct horse',
  code: 'PRO-1',
  hardScrub: true,
};

const photo: views.ReceiptItem = {
  name: 'IMG_2041.jpg',
  type: 'image/jpeg',
  size: 3_482_113,
  sha256: SHA,
  removed: new Map([
    ['location', 1],
    ['camera', 4],
    ['date', 3],
    ['thumbnail', 1],
  ] as const),
  scrubbed: true,
  shown: { kind: 'picture', src: PHOTO, width: 720, height: 480 },
};
const video: views.ReceiptItem = {
  name: 'clip.mp4',
  type: 'video/mp4',
  size: 24_010_000,
  sha256: SHA,
  removed: new Map([['encoder-note', 2]] as const),
  scrubbed: true,
  shown: { kind: 'video', src: '/grant/0123456789abcdef/1', poster: null },
};
const note: views.ReceiptItem = {
  name: 'note.txt',
  type: 'text/plain',
  size: 96,
  sha256: SHA,
  removed: new Map(),
  scrubbed: true,
  shown: { kind: 'note', text: 'Platform 9, ten past six.\n\nBring the blue folder.\n    Don’t call.' },
};
const other: views.ReceiptItem = {
  name: 'plans.zip',
  type: 'application/octet-stream',
  size: 812_000,
  sha256: SHA,
  removed: new Map(),
  scrubbed: false,
  shown: { kind: 'none' },
};

const receipt: views.ReceiptView = {
  link: LINK,
  otherLinks: [],
  qr: QR,
  deleteUrl: `http://chatpicxmo3ud5yz6k2q4r7n5sbtwe3hdlafjgcpiv7ouyzx2mqd5rid.onion/delete/${DELETION}`,
  deleteToken: DELETION,
  fileId: 'cp-4k9zq0x7ma',
  caption: 'The view from the hut',
  items: [photo],
  ending: inADay,
  burn: false,
  views: null,
  passphrase: false,
  held: false,
};

const shareItem = (item: views.ReceiptItem): views.ShareItem => ({
  ...item,
  saveUrl: '/grant/0123456789abcdef/1?download',
});
const share: views.ShareView = {
  fileId: 'cp-4k9zq0x7ma',
  caption: 'The view from the hut',
  items: [shareItem(photo)],
  ending: inADay,
  access: { kind: 'open' },
  reportPath: `/report/${TOKEN}`,
  destroyPath: null,
  saveAllPath: null,
};

const question: views.QuestionView = {
  path: `/view/${TOKEN}`,
  reportPath: `/report/${TOKEN}`,
  burn: false,
  viewsLeft: null,
  passphrase: false,
  problem: null,
  word: null,
};
const manage: views.ManageView = {
  path: `/delete/${DELETION}`,
  fileId: 'cp-4k9zq0x7ma',
  opened: false,
  burn: false,
  viewsLeft: null,
  passphrase: false,
  held: false,
  ending: inADay,
  shorter: ['1h'],
  shortened: false,
};
const policy: views.PolicyView = {
  freeBytes: 50_000_000,
  proBytes: 100_000_000,
  anyFile: false,
  rollSeconds: 70,
  proDays: 30,
  proUrl: null,
  listener: 'onion',
};
const report: views.ReportView = {
  path: `/report/${TOKEN}`,
  fileId: 'cp-4k9zq0x7ma',
  typed: { reason: '', details: '' },
  detailsLength: 1000,
  problem: null,
};
const takedown: views.TakedownView = { kind: 'copyright', typed: views.NO_TAKEDOWN, problem: null };
const contact: views.ContactView = {
  typed: { topic: '', message: '', reply: '', code: '' },
  problem: null,
  messageLength: 4000,
};
const counts = (few: boolean): views.Quarter['counts'] =>
  Object.fromEntries(
    views.TRANSPARENCY_ROWS.map((row, index) => [row, few && index % 2 === 0 ? null : index * 1117]),
  ) as Record<views.TransparencyRow, views.Count>;

/** Markup, quotes, entities, template marks, right-to-left overrides: what a caption may hold and a page must not obey. */
export const HOSTILE = `"'><script>alert(1)</script><img src=x onerror=alert(1)>&lt;b&gt;{{ 7*6007 }}{% raw %}</textarea></pre></style>javascript:\u202Egpj.\u0000`;
const hostileItem = (item: views.ReceiptItem): views.ReceiptItem => ({
  ...item,
  name: HOSTILE,
  shown: item.shown.kind === 'note' ? { kind: 'note', text: HOSTILE } : item.shown,
});

export interface State {
  readonly name: string;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  render(language: Language): Rendered;
}

type PageName = keyof Pages;
type ViewOf<Name extends PageName> = Parameters<Pages[Name]>[1];

function state<Name extends PageName>(
  page: Name,
  name: string,
  view: ViewOf<Name>,
  place: { path?: string; method?: 'GET' | 'POST' } = {},
): State {
  const { path: at = `/${page}`, method = 'GET' } = place;
  const render = pages[page] as (context: views.PageContext, view: ViewOf<Name>) => Rendered;
  return {
    name: name === '' ? page : `${page}-${name}`,
    method,
    path: at,
    render: (language) => render({ language, path: at, method }, view),
  };
}

const POST = { method: 'POST' } as const;

const FIELD_PROBLEMS: readonly views.FieldProblem[] = [
  'nothing-chosen',
  'note-too-long',
  'caption-too-long',
  'expiry-unknown',
  'views-not-a-number',
  'passphrase-too-long',
  'code-unknown',
];

/** Every code of `base/errors.ts`: the compiler asks for a new one here. */
const REFUSALS: Readonly<Record<RefusalCode, null>> = {
  malformed: null,
  'wrong-method': null,
  empty: null,
  gone: null,
  'must-open': null,
  'wrong-passphrase': null,
  'too-large': null,
  'length-required': null,
  'type-not-supported': null,
  unreadable: null,
  prohibited: null,
  'slow-down': null,
  challenge: null,
  busy: null,
  'store-full': null,
  'cut-off': null,
  forbidden: null,
};
const ERROR_CODES = [...(Object.keys(REFUSALS) as RefusalCode[]), 'not-found', 'internal'] as const;

/** States with quiet contents: what people see. */
export const STATES: readonly State[] = [
  state('upload', '', upload, { path: '/' }),
  state('upload', 'note', { ...upload, kind: 'note' }, { path: '/' }),
  state('upload', 'pro', { ...upload, proDays: 30, pass: 'p7' }, { path: '/' }),
  state('upload', 'any-file', { ...upload, anyFile: true }, { path: '/' }),
  ...FIELD_PROBLEMS.map((code) =>
    state(
      'upload',
      `problem-${code}`,
      { ...upload, kind: code === 'note-too-long' ? 'note' : 'files', typed: fullyTyped, problem: { code } },
      { path: '/', ...POST },
    ),
  ),
  state(
    'upload',
    'refused',
    { ...upload, typed: fullyTyped, problem: { code: 'type-not-supported', detail: { seems: 'image/heic' } } },
    { path: '/', ...POST },
  ),
  ...(['too-large', 'unreadable', 'prohibited', 'empty', 'busy', 'store-full', 'slow-down', 'cut-off'] as const).map(
    (code) =>
      state('upload', `refused-${code}`, { ...upload, typed: fullyTyped, problem: { code } }, { path: '/', ...POST }),
  ),
  state('receipt', '', receipt, POST),
  state(
    'receipt',
    'mirror',
    {
      ...receipt,
      link: `https://chatpic.example/view/${TOKEN}`,
      otherLinks: [{ kind: 'onion', url: LINK }],
      caption: null,
      items: [note],
    },
    POST,
  ),
  state(
    'receipt',
    'burn',
    {
      ...receipt,
      burn: true,
      passphrase: true,
      items: [photo, video, note],
      otherLinks: [{ kind: 'mirror', url: `https://chatpic.example/view/${TOKEN}` }],
    },
    POST,
  ),
  state(
    'receipt',
    'no-preview',
    { ...receipt, caption: null, items: [{ ...photo, shown: { kind: 'none' } }, video], views: 1 },
    POST,
  ),
  state('receipt', 'any-file', { ...receipt, held: true, items: [other], ending: { kind: 'never' } }, POST),
  state('share', '', share),
  state('share', 'video', { ...share, caption: null, items: [shareItem(video)] }),
  state('share', 'note', { ...share, items: [shareItem(note)] }),
  state('share', 'long-note', { ...share, caption: null, items: [{ ...shareItem(note), shown: { kind: 'none' } }] }),
  state('share', 'album', {
    ...share,
    items: [photo, video, note].map(shareItem),
    saveAllPath: '/grant/0123456789abcdef/all',
  }),
  state('share', 'any-file', { ...share, items: [shareItem(other)], ending: { kind: 'never' } }),
  state('share', 'burned', { ...share, access: { kind: 'burned', minutes: 10 }, destroyPath: `/view/${TOKEN}` }, POST),
  state(
    'share',
    'limited',
    { ...share, access: { kind: 'limited', left: 2, minutes: 10 }, destroyPath: `/view/${TOKEN}` },
    POST,
  ),
  state(
    'share',
    'last',
    { ...share, access: { kind: 'limited', left: 0, minutes: 10 }, destroyPath: `/view/${TOKEN}` },
    POST,
  ),
  state('share', 'unlocked', { ...share, access: { kind: 'passphrase', minutes: 10 } }, POST),
  state('question', 'burn', { ...question, burn: true }),
  state('question', 'limited', { ...question, viewsLeft: 3 }),
  state('question', 'last', { ...question, viewsLeft: 1 }),
  state('question', 'passphrase', { ...question, passphrase: true }),
  state('question', 'word', { ...question, burn: true, passphrase: true, word: 'maple' }),
  state(
    'question',
    'wrong-passphrase',
    { ...question, burn: true, passphrase: true, problem: { kind: 'wrong-passphrase' } },
    POST,
  ),
  state('question', 'wrong-word', { ...question, viewsLeft: 1, word: 'river', problem: { kind: 'wrong-word' } }, POST),
  state('question', 'slow', { ...question, passphrase: true, problem: { kind: 'slow-down', seconds: 32 } }, POST),
  state('tokenEntry', '', { typed: '', unknown: false }, { path: '/delete' }),
  state('tokenEntry', 'unknown', { typed: 'abc', unknown: true }, { path: '/delete', ...POST }),
  state('manage', '', manage),
  state(
    'manage',
    'opened',
    {
      ...manage,
      opened: true,
      viewsLeft: 4,
      passphrase: true,
      shorter: ['1h', '1d', 'burn'],
      shortened: true,
      ending: { kind: 'at', at: NOW + 5 * DAY, now: NOW },
    },
    POST,
  ),
  state('manage', 'burn', { ...manage, burn: true, held: true, shorter: [] }),
  state('deleted', '', { by: 'sender' }, POST),
  state('deleted', 'by-reader', { by: 'reader' }, POST),
  state('report', '', report),
  state(
    'report',
    'too-long',
    { ...report, typed: { reason: 'intimate', details: 'so much' }, problem: 'details-too-long' },
    POST,
  ),
  state('takedown', '', takedown),
  ...(['intimate-image', 'counter-notice', 'authority'] as const).map((kind) =>
    state('takedown', kind, { ...takedown, kind }),
  ),
  state('takedown', 'no-reason', { ...takedown, kind: 'authority', problem: 'work' }),
  ...(['links', 'work', 'name', 'contact', 'goodFaith', 'accurate', 'too-long', 'not-taken'] as const).map((problem) =>
    state(
      'takedown',
      `problem-${problem}`,
      { ...takedown, typed: { ...views.NO_TAKEDOWN, links: 'cp-4k9zq0x7ma', goodFaith: true }, problem },
      POST,
    ),
  ),
  state('contact', '', contact),
  state(
    'contact',
    'problem',
    { ...contact, typed: { topic: 'security', message: '', reply: 'a@b.example', code: '' }, problem: 'message' },
    POST,
  ),
  state('contact', 'too-long', { ...contact, problem: 'too-long' }, POST),
  state('contact', 'not-taken', { ...contact, problem: 'not-taken' }, POST),
  state('contact', 'problem-code', { ...contact, typed: { ...contact.typed, code: 'X' }, problem: 'code' }, POST),
  state('sent', 'report', { kind: 'report', reference: null }, POST),
  state('sent', 'takedown', { kind: 'takedown', reference: 'td-8x2k1m' }, POST),
  state('sent', 'contact', { kind: 'contact', reference: null }, POST),
  state('faq', '', policy),
  state('terms', '', policy),
  state('privacy', '', policy),
  state('privacy', 'mirror', { ...policy, listener: 'mirror' }, { path: '/privacy' }),
  state('privacy', 'local', { ...policy, listener: 'local' }, { path: '/privacy' }),
  state('pro', '', policy),
  state('pro', 'shop', { ...policy, proUrl: 'https://shop.example/chatpic' }, { path: '/pro' }),
  state('transparency', '', {
    quarters: [
      { year: 2026, quarter: 1, running: true, counts: counts(true) },
      { year: 2025, quarter: 4, running: false, counts: counts(false) },
    ],
    canary: { path: '/canary.txt', ageDays: 12 },
  }),
  state('transparency', 'empty', { quarters: [], canary: null }),
  ...ERROR_CODES.map((code) => state('error', code, { code, retryAfter: code === 'busy' ? 30 : null })),
  state('error', 'detail', { code: 'too-large', detail: { limit: 50_000_000 }, retryAfter: null }, POST),
  state('error', 'seems', { code: 'type-not-supported', detail: { seems: 'image/heic' }, retryAfter: null }, POST),
  state('challenge', '', { path: '/', challenge: 'c7', word: 'harbour', wrong: false, carried: [] }),
  state(
    'challenge',
    'wrong',
    { path: '/', challenge: 'c8', word: 'lantern', wrong: true, carried: [['note', 'typed']] },
    POST,
  ),
  state('waiting', '', { path: '/', seconds: 20 }),
  state('moved', '', { url: LINK, seconds: 20 }),
  state('readOnly', '', { onionOrigin: ORIGIN }),
  state('readOnly', 'alone', { onionOrigin: null }),
  state('moved', 'form', { url: LINK, seconds: null }, POST),
];

/** The same pages with hostile contents wherever a visitor's own words go. */
export const HOSTILE_STATES: readonly State[] = [
  state(
    'upload',
    'hostile',
    {
      ...upload,
      typed: {
        note: HOSTILE,
        caption: HOSTILE,
        expiry: '1h',
        views: HOSTILE,
        passphrase: HOSTILE,
        code: HOSTILE,
        hardScrub: false,
      },
      problem: { code: 'code-unknown' },
    },
    POST,
  ),
  state(
    'receipt',
    'hostile',
    { ...receipt, caption: HOSTILE, items: [photo, video, note, other].map(hostileItem) },
    POST,
  ),
  state('share', 'hostile', {
    ...share,
    caption: HOSTILE,
    items: [photo, video, note, other].map(hostileItem).map(shareItem),
  }),
  state(
    'challenge',
    'hostile',
    { path: '/', challenge: 'c9', word: 'river', wrong: true, carried: [['note', HOSTILE]] },
    POST,
  ),
  state('tokenEntry', 'hostile', { typed: HOSTILE, unknown: true }, POST),
  state(
    'report',
    'hostile',
    { ...report, typed: { reason: HOSTILE, details: HOSTILE }, problem: 'details-too-long' },
    POST,
  ),
  state(
    'takedown',
    'hostile',
    {
      kind: 'copyright',
      typed: { links: HOSTILE, work: HOSTILE, name: HOSTILE, contact: HOSTILE, goodFaith: true, accurate: true },
      problem: 'too-long',
    },
    POST,
  ),
  state(
    'contact',
    'hostile',
    { ...contact, typed: { topic: HOSTILE, message: HOSTILE, reply: HOSTILE, code: HOSTILE }, problem: 'too-long' },
    POST,
  ),
];

/** Times at the edges of what `until` says. */
export const EDGES = { NOW, MINUTE, HOUR, DAY };
