/** What the walks through the gallery have in common. */
import { launch } from './browser.js';
import type { BrowserName, Driven, LaunchOptions } from './browser.js';
import { openGallery } from './gallery.js';
import type { Gallery } from './gallery.js';

/** CHATPIC_TEST_LONG=1: every state in every pass. */
export const LONG = process.env['CHATPIC_TEST_LONG'] === '1';

/** One of each kind: refusals and problems share one layout, so the second pass looks at a few of them. */
export const DISTINCT =
  /^(?!(error|takedown-problem|upload-problem|upload-refused)-)|^(error-busy|error-seems|takedown-problem-goodFaith|upload-problem-code)/;

type Body = (gallery: Gallery, driven: Driven) => Promise<void>;

export async function inBrowser(name: BrowserName, options: LaunchOptions, body: Body): Promise<void> {
  const gallery = await openGallery();
  try {
    const driven = await launch(name, options);
    try {
      await body(gallery, driven);
    } finally {
      await driven.close();
    }
  } finally {
    await gallery.close();
  }
}

export const asked = (gallery: Gallery): string[] =>
  [...new Set(gallery.strays)].filter((path) => !path.startsWith('/grant/'));

/** The languages that a walk goes through in turns. */
export const TURNS = ['de', 'fr', 'es', 'ru', 'zh'];
