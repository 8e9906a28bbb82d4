/** A font of 5 by 7 dots for what the progress picture says. Each glyph is seven rows, each row two hexadecimal digits. */
const FONT: Readonly<Record<string, string>> = {
  '0': '0e11131519110e',
  '1': '040c040404040e',
  '2': '0e11010204081f',
  '3': '1f02040201110e',
  '4': '02060a121f0202',
  '5': '1f101e0101110e',
  '6': '0608101e11110e',
  '7': '1f010204080808',
  '8': '0e11110e11110e',
  '9': '0e11110f01020c',
  '%': '18190204081303',
  '/': '00010204081000',
  '.': '00000000000c0c',
  ':': '000c0c000c0c00',
  B: '1e11111e11111e',
  G: '0e11101711110f',
  M: '111b1515111111',
  a: '00000e010f110f',
  b: '1010161911111e',
  c: '00000e1010110e',
  d: '01010d1311110f',
  e: '00000e111f100e',
  f: '0609081c080808',
  g: '000f11110f010e',
  h: '10101619111111',
  i: '04000c0404040e',
  k: '10101214181412',
  l: '0c04040404040e',
  m: '00001a15151111',
  n: '00001619111111',
  o: '00000e1111110e',
  p: '00001e111e1010',
  r: '00001619101010',
  s: '00000e100e011e',
  t: '08081c08080906',
  u: '0000111111130d',
  v: '00001111110a04',
  w: '0000111115150a',
  x: '0000110a040a11',
  y: '000011110f010e',
};

export const GLYPH_WIDTH = 5;
export const GLYPH_HEIGHT = 7;

const ROWS = new Map(Object.entries(FONT).map(([character, rows]) => [character, [...Buffer.from(rows, 'hex')]]));

/** The rows of a character, five bits each, the leftmost dot highest; null for a space and for what the font lacks. */
export function glyphRows(character: string): readonly number[] | null {
  return ROWS.get(character) ?? null;
}
