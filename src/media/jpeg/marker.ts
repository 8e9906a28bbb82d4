/** JPEG markers (ITU-T T.81, table B.1) by the second of their two bytes; the first is always FF. */
export const SOI = 0xd8;
export const EOI = 0xd9;
export const SOS = 0xda;
export const DQT = 0xdb;
export const DNL = 0xdc;
export const DRI = 0xdd;
export const DHT = 0xc4;
export const DAC = 0xcc;
export const APP0 = 0xe0;
export const APP1 = 0xe1;
export const APP2 = 0xe2;
export const APP13 = 0xed;
export const APP14 = 0xee;
export const APP15 = 0xef;
export const COM = 0xfe;

const TEM = 0x01;
const RST0 = 0xd0;
const RST7 = 0xd7;

/** Start of a frame that pixels can be decoded from: all but DHT, JPG, DAC and the hierarchical ones (5 to 7, 13 to 15). */
export function isFrameStart(code: number): boolean {
  return (code >= 0xc0 && code <= 0xc3) || (code >= 0xc9 && code <= 0xcb);
}

export function isRestart(code: number): boolean {
  return code >= RST0 && code <= RST7;
}

/** Stands alone, without length and content, and means nothing outside a scan. */
export function isBare(code: number): boolean {
  return code === TEM || isRestart(code);
}

export function isApplication(code: number): boolean {
  return code >= APP0 && code <= APP15;
}
