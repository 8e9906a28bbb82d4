/**
 * The door of the texts: languages, and a speaker that says everything of one language.
 *
 * A language is chosen by a link or a form (`?lang=de`), never guessed: an `Accept-Language` that changed an answer would
 * be one more thing by which visitors differ. Times are always UTC, since the server knows nobody's time zone.
 */
import { DAY, HOUR, MINUTE, SECOND } from '../../base/units.js';
import type { Catalogue, LongText, LongTexts, PluralKey, TextKey } from './catalogue.js';
import { english } from './english.js';
import { chinese } from './chinese.js';
import { french } from './french.js';
import { german } from './german.js';
import { longChinese } from './long-chinese.js';
import { longEnglish } from './long-english.js';
import { longFrench } from './long-french.js';
import { longGerman } from './long-german.js';
import { longPersian } from './long-persian.js';
import { longRussian } from './long-russian.js';
import { longSpanish } from './long-spanish.js';
import { persian } from './persian.js';
import { russian } from './russian.js';
import { spanish } from './spanish.js';

export type Language = 'en' | 'de' | 'fr' | 'es' | 'ru' | 'fa' | 'zh';

export interface LanguageInfo {
  /** The language's own name for itself. */
  readonly name: string;
  readonly tag: string;
  readonly direction: 'ltr' | 'rtl';
  readonly catalogue: Catalogue;
  readonly long: LongTexts;
}

export const DEFAULT_LANGUAGE: Language = 'en';

export const LANGUAGES: Readonly<Partial<Record<Language, LanguageInfo>>> = {
  en: { name: 'English', tag: 'en', direction: 'ltr', catalogue: english, long: longEnglish },
  de: { name: 'Deutsch', tag: 'de', direction: 'ltr', catalogue: german, long: longGerman },
  fr: { name: 'Français', tag: 'fr', direction: 'ltr', catalogue: french, long: longFrench },
  es: { name: 'Español', tag: 'es', direction: 'ltr', catalogue: spanish, long: longSpanish },
  ru: { name: 'Русский', tag: 'ru', direction: 'ltr', catalogue: russian, long: longRussian },
  fa: { name: 'فارسی', tag: 'fa', direction: 'rtl', catalogue: persian, long: longPersian },
  zh: { name: '中文', tag: 'zh-Hans', direction: 'ltr', catalogue: chinese, long: longChinese },
};

/** The language that a `lang` parameter names; anything unknown or absent is English. */
export function languageFrom(parameter: unknown): Language {
  return typeof parameter === 'string' && Object.hasOwn(LANGUAGES, parameter)
    ? (parameter as Language)
    : DEFAULT_LANGUAGE;
}

export type Params = Readonly<Record<string, string | number>>;

/** Says texts, numbers, sizes and times in one language. */
export interface Speaker {
  readonly language: Language;
  readonly info: LanguageInfo;
  readonly text: (key: TextKey, params?: Params) => string;
  readonly plural: (key: PluralKey, count: number, params?: Params) => string;
  readonly number: (value: number) => string;
  /** The digits alone: `2026`, not `2,026`. */
  readonly year: (value: number) => string;
  readonly percent: (fraction: number) => string;
  /** One decimal place, always: `24.0`. */
  readonly tenths: (value: number) => string;
  /** Decimal sizes with one place, as file managers show them: `8.9 MB`. */
  readonly size: (bytes: number) => string;
  /** To the minute, rounded up, in UTC. */
  readonly time: (at: number) => string;
  /** `in 23 hours`: the largest unit that fits, rounded down, so that it never promises too much. */
  readonly until: (at: number, now: number) => string;
  readonly duration: (milliseconds: number) => string;
  /** `today`, `yesterday`, `12 days ago`. */
  readonly daysAgo: (days: number) => string;
  readonly list: (items: readonly string[]) => string;
  /** A long page with its values put in. */
  readonly long: (name: keyof LongTexts, params: Params) => LongText;
}

const speakers = new Map<Language, Speaker>();

/** The speaker of `language`; made once, because the formatters of Intl are dear to make. */
export function speakerOf(language: Language): Speaker {
  let speaker = speakers.get(language);
  if (speaker === undefined) {
    speaker = makeSpeaker(language);
    speakers.set(language, speaker);
  }
  return speaker;
}

function makeSpeaker(language: Language): Speaker {
  const info = LANGUAGES[language];
  if (info === undefined) throw new Error(`no language ${language}`);
  const { catalogue, tag } = info;
  const rules = new Intl.PluralRules(tag);
  const plain = new Intl.NumberFormat(tag);
  const digits = new Intl.NumberFormat(tag, { useGrouping: false });
  const percent = new Intl.NumberFormat(tag, { style: 'percent', maximumFractionDigits: 0 });
  const tenths = new Intl.NumberFormat(tag, {
    minimumFractionDigits: 1,
    maximumFractionDigits: 1,
    useGrouping: false,
  });
  const moment = new Intl.DateTimeFormat(tag, { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' });
  const relative = new Intl.RelativeTimeFormat(tag, { numeric: 'always' });
  const past = new Intl.RelativeTimeFormat(tag, { numeric: 'auto' });
  const units = unitFormats(tag);
  const list = new Intl.ListFormat(tag, { type: 'conjunction' });
  return {
    language,
    info,
    text: (key, params) => fill(catalogue[key], params),
    plural: (key, count, params) => {
      const forms = catalogue[key];
      return fill(forms[rules.select(count)] ?? forms.other, { ...params, count: plain.format(count) });
    },
    number: (value) => plain.format(value),
    year: (value) => digits.format(value),
    percent: (fraction) => percent.format(fraction),
    tenths: (value) => tenths.format(value),
    size: (bytes) => sizeIn(units, bytes),
    time: (at) => `${moment.format(Math.ceil(at / MINUTE) * MINUTE)} UTC`,
    until: (at, now) => {
      const left = at - now;
      if (left < SECOND) return catalogue['ends.now'];
      const { count, unit } = largestUnit(left);
      return relative.format(count, unit);
    },
    duration: (milliseconds) => {
      const { count, unit } = largestUnit(Math.max(SECOND, milliseconds));
      return units[unit].format(count);
    },
    daysAgo: (days) => past.format(-days, 'day'),
    list: (items) => list.format(items),
    long: (name, params) => filled(info.long[name], params),
  };
}

type TimeUnit = 'second' | 'minute' | 'hour' | 'day';
type SizeUnit = 'byte' | 'kilobyte' | 'megabyte' | 'gigabyte';
type UnitFormats = Readonly<Record<TimeUnit | SizeUnit, Intl.NumberFormat>>;

function unitFormats(tag: string): UnitFormats {
  const of = (unit: string, unitDisplay: 'short' | 'long', digits: number): Intl.NumberFormat =>
    new Intl.NumberFormat(tag, { style: 'unit', unit, unitDisplay, maximumFractionDigits: digits });
  return {
    second: of('second', 'long', 0),
    minute: of('minute', 'long', 0),
    hour: of('hour', 'long', 0),
    day: of('day', 'long', 0),
    byte: of('byte', 'long', 0),
    kilobyte: of('kilobyte', 'short', 0),
    megabyte: of('megabyte', 'short', 1),
    gigabyte: of('gigabyte', 'short', 1),
  };
}

function sizeIn(units: UnitFormats, bytes: number): string {
  if (bytes < 1000) return units.byte.format(bytes);
  if (bytes < 999_500) return units.kilobyte.format(bytes / 1000);
  if (bytes < 999_950_000) return units.megabyte.format(bytes / 1_000_000);
  return units.gigabyte.format(bytes / 1_000_000_000);
}

function largestUnit(milliseconds: number): { count: number; unit: TimeUnit } {
  if (milliseconds >= 2 * DAY) return { count: Math.floor(milliseconds / DAY), unit: 'day' };
  if (milliseconds >= 2 * HOUR) return { count: Math.floor(milliseconds / HOUR), unit: 'hour' };
  if (milliseconds >= 2 * MINUTE) return { count: Math.floor(milliseconds / MINUTE), unit: 'minute' };
  return { count: Math.floor(milliseconds / SECOND), unit: 'second' };
}

/** Puts values into `{name}` marks. A mark without a value is our bug, and shows in the first test that meets it. */
function fill(text: string, params: Params = {}): string {
  return text.replace(/\{(\w+)\}/g, (_mark, name: string) => {
    const value = params[name];
    if (value === undefined) throw new Error(`text needs a value for {${name}}`);
    return String(value);
  });
}

function filled(text: LongText, params: Params): LongText {
  return {
    title: fill(text.title, params),
    lead: fill(text.lead, params),
    sections: text.sections.map(({ heading, paragraphs }) => ({
      heading: fill(heading, params),
      paragraphs: paragraphs.map((paragraph) => fill(paragraph, params)),
    })),
  };
}
