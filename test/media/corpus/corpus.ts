/** All planted still pictures: every planting on every base, the same bytes in every run. */
import { gifSamples } from './gif.js';
import { jpegSamples } from './jpeg.js';
import type { Sample } from './plant.js';
import { pngSamples } from './png.js';
import { webpSamples } from './webp.js';

export async function corpus(): Promise<Sample[]> {
  return [...(await jpegSamples()), ...(await pngSamples()), ...(await gifSamples()), ...(await webpSamples())];
}
