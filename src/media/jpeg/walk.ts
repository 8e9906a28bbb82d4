/** Finding the way in a JPEG: from marker to marker, and from the start of a scan to its end. */
import type { Window } from '../window.js';
import { isRestart } from './marker.js';

export interface Marker {
  readonly code: number;
  /** Where what follows the marker begins. */
  readonly end: number;
  /** Bytes before it that belong to nothing. Fill bytes (FF before a marker) are not counted. */
  readonly stray: number;
}

/** The next marker from `at` on, or `null` where the file ends first. */
export async function nextMarker(window: Window, at: number): Promise<Marker | null> {
  let stray = 0;
  let afterFill = false;
  for (let bytes = await window.rest(at); bytes.length > 0; bytes = await window.rest(at)) {
    for (let index = 0; index < bytes.length; index++) {
      const byte = bytes[index] ?? 0;
      if (byte === 0xff) {
        afterFill = true;
      } else if (afterFill && byte !== 0) {
        return { code: byte, end: at + index + 1, stray };
      } else {
        stray += afterFill ? 2 : 1;
        afterFill = false;
        // Stray bytes are passed over natively: a file may consist of them.
        const next = bytes.indexOf(0xff, index);
        stray += (next < 0 ? bytes.length : next) - index - 1;
        index = (next < 0 ? bytes.length : next) - 1;
      }
    }
    at += bytes.length;
  }
  return null;
}

/**
 * Where the scan that begins at `start` ends: at the FF of the first marker that is neither a stuffed zero nor a
 * restart, or at the end of the file. `open` is where a run of FF began whose meaning the next byte decides.
 */
export async function endOfScan(window: Window, start: number): Promise<number> {
  let at = start;
  let open = -1;
  for (let bytes = await window.rest(at); bytes.length > 0; bytes = await window.rest(at)) {
    let index = 0;
    while (index < bytes.length) {
      if (open < 0) {
        index = bytes.indexOf(0xff, index);
        if (index < 0) break;
        open = at + index;
      }
      const byte = bytes[index++] ?? 0;
      if (byte === 0xff) continue;
      if (byte !== 0 && !isRestart(byte)) return open;
      open = -1;
    }
    at += bytes.length;
  }
  return open < 0 ? at : open;
}
