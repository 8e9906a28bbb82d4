/**
 * What a ban catches: pictures made by rule are banned, changed the way people change pictures, encoded, and looked up as
 * intake would. The figures stand in docs/MODERATION.md; they are printed as comments here.
 */
import type { Sharp } from 'sharp';
import test from 'tap';
import { BlockLists } from '../../src/moderation/block-list.js';
import { bannedContent } from '../../src/moderation/ban.js';
import { startClassifier } from '../../src/moderation/classifier/classifier.js';
import { DIHEDRALS, hammingDistance, pdqDihedral, pdqHash, type PdqHash } from '../../src/moderation/pdq.js';
import { createReviewer, type Reviewer } from '../../src/moderation/verdict.js';
import { MapBook } from './map-book.js';
import { asSharp, lumaOfFile, picture, type Rgb } from './pictures.js';

const RADIUS = 31;
/** Pictures: CHATPIC_RECALL=40 gives the figures of docs/MODERATION.md. */
const BANNED = Number(process.env['CHATPIC_RECALL'] ?? 6);
const [WIDTH, HEIGHT] = [640, 480];

const jpeg = (image: Sharp, quality = 85): Promise<Buffer> => image.jpeg({ quality }).toBuffer();
const resized = (rgb: Rgb, width: number): Promise<Buffer> => jpeg(asSharp(rgb).resize({ width }));
/** A crop that leaves `part` of each side, off centre. */
const cropped = (rgb: Rgb, part: number): Promise<Buffer> => {
  const [width, height] = [Math.round(WIDTH * part), Math.round(HEIGHT * part)];
  const [left, top] = [Math.round((WIDTH - width) / 3), Math.round((HEIGHT - height) / 2)];
  return jpeg(asSharp(rgb).extract({ left, top, width, height }));
};
/** One edge cut off alone, as people cut off a line of text. */
const cutBelow = (rgb: Rgb, part: number): Promise<Buffer> =>
  jpeg(asSharp(rgb).extract({ left: 0, top: 0, width: WIDTH, height: Math.round(HEIGHT * part) }));
const bordered = (rgb: Rgb, down: number, across: number): Promise<Buffer> =>
  jpeg(asSharp(rgb).extend({ top: down, bottom: down, left: across, right: across }));
/** A light strip with dark bars in a corner, over `part` of the width. */
const overlaid = (rgb: Rgb, part: number): Promise<Buffer> => {
  const [width, height] = [Math.round(WIDTH * part), Math.round((HEIGHT * part) / 4)];
  const bars = Buffer.alloc(width * height * 3, 240);
  for (let at = 0; at < width * height; at++) if ((at % width) % 12 < 5) bars.fill(30, at * 3, at * 3 + 3);
  const input = bars;
  return jpeg(asSharp(rgb).composite([{ input, raw: { width, height, channels: 3 }, gravity: 'southeast' }]));
};

/** How a picture is changed, and of a hundred how many at least must be refused again. */
const CHANGES: readonly (readonly [string, number, (rgb: Rgb) => Promise<Buffer>])[] = [
  ['as it was, as PNG', 100, (rgb) => asSharp(rgb).png().toBuffer()],
  ['JPEG, quality 80', 100, (rgb) => jpeg(asSharp(rgb), 80)],
  ['JPEG, quality 30', 100, (rgb) => jpeg(asSharp(rgb), 30)],
  ['JPEG, quality 10', 100, (rgb) => jpeg(asSharp(rgb), 10)],
  ['WebP, quality 50', 100, (rgb) => asSharp(rgb).webp({ quality: 50 }).toBuffer()],
  ['GIF, 256 colours', 100, (rgb) => asSharp(rgb).gif().toBuffer()],
  ['half as wide', 100, (rgb) => resized(rgb, WIDTH / 2)],
  ['a quarter as wide', 95, (rgb) => resized(rgb, WIDTH / 4)],
  ['an eighth as wide', 85, (rgb) => resized(rgb, WIDTH / 8)],
  ['twice as wide', 100, (rgb) => resized(rgb, WIDTH * 2)],
  ['stretched to a square', 100, (rgb) => jpeg(asSharp(rgb).resize(500, 500, { fit: 'fill' }))],
  ['grey', 75, (rgb) => jpeg(asSharp(rgb).greyscale())],
  ['a fifth brighter', 95, (rgb) => jpeg(asSharp(rgb).modulate({ brightness: 1.2 }))],
  ['a fifth darker', 90, (rgb) => jpeg(asSharp(rgb).modulate({ brightness: 0.8 }))],
  ['more contrast', 95, (rgb) => jpeg(asSharp(rgb).linear(1.3, -38))],
  ['gamma 1.5', 90, (rgb) => jpeg(asSharp(rgb).gamma(1.5, 1))],
  ['half the saturation', 90, (rgb) => jpeg(asSharp(rgb).modulate({ saturation: 0.5 }))],
  ['hues turned by 20 degrees', 70, (rgb) => jpeg(asSharp(rgb).modulate({ hue: 20 }))],
  ['a warm tint', 80, (rgb) => jpeg(asSharp(rgb).linear([1.15, 1, 0.85], [0, 0, 0]))],
  ['blurred', 100, (rgb) => jpeg(asSharp(rgb).blur(2))],
  ['sharpened', 100, (rgb) => jpeg(asSharp(rgb).sharpen({ sigma: 2 }))],
  ['mirrored', 90, (rgb) => jpeg(asSharp(rgb).flop())],
  ['upside down', 90, (rgb) => jpeg(asSharp(rgb).rotate(180))],
  ['turned by 90 degrees', 90, (rgb) => jpeg(asSharp(rgb).rotate(90))],
  ['turned by 2 degrees', 0, (rgb) => jpeg(asSharp(rgb).rotate(2, { background: 'black' }))],
  ['cropped to 99 % of each side', 95, (rgb) => cropped(rgb, 0.99)],
  ['cropped to 98 %', 95, (rgb) => cropped(rgb, 0.98)],
  ['cropped to 96 %', 90, (rgb) => cropped(rgb, 0.96)],
  ['cropped to 95 %', 90, (rgb) => cropped(rgb, 0.95)],
  ['cropped to 94 %', 90, (rgb) => cropped(rgb, 0.94)],
  ['cropped to 92 %', 90, (rgb) => cropped(rgb, 0.92)],
  ['cropped to 90 %', 0, (rgb) => cropped(rgb, 0.9)],
  ['cropped to 85 %', 0, (rgb) => cropped(rgb, 0.85)],
  ['5 % cut off below', 90, (rgb) => cutBelow(rgb, 0.95)],
  ['a mark over a fifth of the width', 50, (rgb) => overlaid(rgb, 0.2)],
  ['a mark over two fifths of the width', 0, (rgb) => overlaid(rgb, 0.4)],
  ['a black border of 2 %', 95, (rgb) => bordered(rgb, 10, 13)],
  ['black bars above and below, 10 %', 95, (rgb) => bordered(rgb, 48, 0)],
];

async function bannedSite(pictures: readonly Rgb[]): Promise<Reviewer> {
  const lists = await BlockLists.load(new MapBook());
  for (const rgb of pictures) {
    const file = await jpeg(asSharp(rgb), 92);
    await lists.ban(await bannedContent([await lumaOfFile(file)], []));
  }
  return createReviewer({ lists, classifier: startClassifier({ modelFile: null }), radius: RADIUS });
}

test.test('a banned picture is refused again after it was changed', async (t) => {
  const pictures: Rgb[] = [];
  for (let seed = 1; seed <= BANNED; seed++) pictures.push(await picture(seed));
  const reviewer = await bannedSite(pictures);
  for (const [name, atLeast, change] of CHANGES) {
    let refused = 0;
    for (const rgb of pictures) {
      const luma = await lumaOfFile(await change(rgb));
      const { kind } = await reviewer.review({ digests: [], lumas: [luma], pictures: [] });
      if (kind === 'prohibited') refused++;
    }
    const percent = Math.round((100 * refused) / BANNED);
    t.comment(`| ${name} | ${percent} % |`);
    t.ok(percent >= atLeast, `${name}: ${percent} %, at least ${atLeast} %`);
  }
});

test.test('unrelated pictures do not match, in any of their turns', async (t) => {
  const COUNT = BANNED * 25;
  const hashes: PdqHash[] = [];
  const turns: PdqHash[][] = [];
  for (let seed = 1; seed <= COUNT; seed++) {
    const { width, height, data } = await picture(1000 + seed, 160, 120);
    const file = await asSharp({ width, height, data }).png().toBuffer();
    const luma = await lumaOfFile(file);
    hashes.push(pdqHash(luma)!.hash);
    const found = pdqDihedral(luma)!.hashes;
    turns.push(DIHEDRALS.map((turn) => found[turn]));
  }
  let nearest = 256;
  let pairs = 0;
  for (let one = 0; one < COUNT; one++) {
    for (let other = 0; other < one; other++) {
      pairs++;
      for (const turn of turns[other]!) nearest = Math.min(nearest, hammingDistance(hashes[one]!, turn));
    }
  }
  t.comment(`nearest of ${pairs} unrelated pairs in eight turns: ${nearest} bits`);
  t.ok(nearest > RADIUS + 10, `nearest is ${nearest}`);
});
