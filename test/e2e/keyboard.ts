/** Where a keyboard comes by on a page: in the order of the eye, each stop with a name and seen to have the focus. */
import type { Tab } from './browser.js';

export interface Stop {
  readonly what: string;
  readonly name: string;
  readonly seen: boolean;
  readonly top: number;
}

/** What has the focus, what it is called, whether that is seen, and where it is on the page. */
const STOP = `(() => {
  const e = document.activeElement;
  if (e === null || e === document.body) return 'null';
  const label = e.labels?.[0]?.textContent ?? e.getAttribute('aria-label') ?? e.textContent;
  const shown = getComputedStyle(e).opacity === '0' ? e.nextElementSibling : e;
  const drawn = getComputedStyle(shown).outlineStyle !== 'none';
  const box = e.getBoundingClientRect();
  // Of what stands side by side, a field with its help or a column, the eye reads one to its end before it goes to the next.
  const { top } = (e.closest('details p, .two > *') ?? e).getBoundingClientRect();
  const inside = box.bottom > 0 && box.top < innerHeight;
  return JSON.stringify({ what: e.id || e.name || e.localName, name: label.trim(), seen: drawn && inside, top: Math.round(top + scrollY) });
})()`;

/** Presses Tab until the focus has left the page. */
export async function stopsOf(tab: Tab): Promise<Stop[]> {
  const stops: Stop[] = [];
  for (let presses = 0; presses < 60; presses++) {
    await tab.page.keyboard.press('Tab');
    const stop = JSON.parse(String(await tab.eval(STOP))) as Stop | null;
    if (stop === null || (stops.length > 1 && stop.what === stops[0]?.what && stop.top === stops[0].top)) break;
    stops.push(stop);
  }
  return stops;
}

/** What is wrong with stops: not seen, without a name, or further up than the one before. */
export function wrongStops(stops: readonly Stop[]): string[] {
  const unseen = stops.filter(({ seen }) => !seen).map(({ what }) => `${what} is not seen to have the focus`);
  const nameless = stops.filter(({ name }) => name === '').map(({ what }) => `${what} has no name`);
  // What stands in one line does not begin at one pixel: a small link beside a large button.
  const back = stops.filter(({ top }, at) => top < (stops[at - 1]?.top ?? 0) - 24);
  return [...unseen, ...nameless, ...back.map(({ what, name }) => `${what} ${name} stands before what comes earlier`)];
}
