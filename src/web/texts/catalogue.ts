/**
 * The shape of a catalogue of texts. English is the measure: every other language has exactly its keys, with the same
 * placeholders, which the compiler and `test/web/pages/texts.test.ts` hold.
 */
import type { english } from './english.js';

/** One text in the forms that a language needs for a number: CLDR's categories, `other` always. */
export type Plural = Readonly<Partial<Record<Intl.LDMLPluralRule, string>> & { other: string }>;

export type TextKey = {
  [K in keyof typeof english]: (typeof english)[K] extends string ? K : never;
}[keyof typeof english];
export type PluralKey = Exclude<keyof typeof english, TextKey>;

export type Catalogue = Readonly<Record<TextKey, string> & Record<PluralKey, Plural>>;

/** A long page (questions, terms, privacy): headings with their paragraphs. `{name}` stands for the site's name. */
export interface LongText {
  readonly title: string;
  readonly lead: string;
  readonly sections: readonly { readonly heading: string; readonly paragraphs: readonly string[] }[];
}

export interface LongTexts {
  readonly faq: LongText;
  readonly terms: LongText;
  readonly privacy: LongText;
}
