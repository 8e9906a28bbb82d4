/**
 * Whether bytes look like writing. Coded pictures look like noise, so a run of printable characters behind them says that
 * something was swallowed that doesn't belong there. Zeros are passed over, which finds UTF-16 too.
 */

/** How much of the end of coded data is looked at where it can't be walked, and the run that makes it text. */
export const CODED_TAIL = 256;
export const CODED_TEXT = 16;

/** The longest run of printable bytes counts; at least so many of them must differ, because flat areas repeat a few. */
const MIN_DIFFERENT = 6;

/** Whether `bytes` hold `length` printable bytes in a row. In noise that happens once in 2.6^length bytes. */
export function holdsText(bytes: Uint8Array, length: number): boolean {
  let run = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === 0) continue;
    run = byte >= 0x20 && byte < 0x7f ? run + 1 : 0;
    if (run >= length && new Set(bytes.subarray(Math.max(0, at + 1 - 2 * length), at + 1)).size >= MIN_DIFFERENT)
      return true;
  }
  return false;
}
