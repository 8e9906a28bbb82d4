/** Clean pictures to plant things in, drawn by formula and encoded by libvips: the same in every run. */
import sharp, { type GifOptions, type JpegOptions, type PngOptions, type Sharp, type WebpOptions } from 'sharp';

export interface Base {
  readonly name: string;
  readonly bytes: Buffer;
}

type Channels = 1 | 2 | 3 | 4;

/** Gradients with texture, so that every coefficient and filter has something to do. */
export function drawing(width: number, height: number, channels: Channels, shift = 0): Sharp {
  const pixels = Buffer.alloc(width * height * channels);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let channel = 0; channel < channels; channel++, at++) {
        const alpha = channel === 3 || (channels === 2 && channel === 1);
        pixels[at] = alpha
          ? (x + y) % 7 === 0
            ? 0
            : 255 - ((x * 3) & 127)
          : (x * (2 + channel) + y * (5 - channel) + ((x * y + shift * 11) % (17 + channel)) * 3 + shift * 20) & 255;
      }
    }
  }
  return sharp(pixels, { raw: { width, height, channels } });
}

/** Frames of an animation, one under the other, as libvips takes them. */
function film(width: number, height: number, channels: Channels, frames: number): Promise<Sharp> {
  const pages = Array.from({ length: frames }, (_, index) => drawing(width, height, channels, index).raw().toBuffer());
  return Promise.all(pages).then((all) =>
    sharp(Buffer.concat(all), { raw: { width, height: height * frames, channels, pageHeight: height } }),
  );
}

export async function jpegBases(): Promise<Base[]> {
  const make = async (name: string, picture: Sharp, options: JpegOptions): Promise<Base> => ({
    name,
    bytes: await picture.jpeg(options).toBuffer(),
  });
  return Promise.all([
    make('420', drawing(97, 61, 3), {}),
    make('444', drawing(64, 64, 3), { chromaSubsampling: '4:4:4', quality: 95 }),
    make('grey', drawing(50, 40, 1).toColourspace('b-w'), {}),
    make('progressive', drawing(120, 80, 3), { progressive: true }),
    make('optimised', drawing(33, 77, 3), { mozjpeg: true }),
    make('cmyk', drawing(40, 40, 3).toColourspace('cmyk'), {}),
    make('profile', drawing(48, 32, 3).withIccProfile('p3'), {}),
    make('tiny', drawing(1, 1, 3), {}),
    make('progressive-grey', drawing(70, 30, 1).toColourspace('b-w'), { progressive: true }),
  ]);
}

export async function pngBases(): Promise<Base[]> {
  const make = async (name: string, picture: Sharp, options: PngOptions = {}): Promise<Base> => ({
    name,
    bytes: await picture.png(options).toBuffer(),
  });
  return Promise.all([
    make('rgb', drawing(71, 53, 3)),
    make('rgba', drawing(40, 60, 4)),
    make('grey', drawing(30, 30, 1).toColourspace('b-w')),
    make('grey-alpha', drawing(31, 17, 2).toColourspace('b-w')),
    make('palette', drawing(64, 48, 3), { palette: true, colours: 200 }),
    make('palette-4', drawing(64, 48, 3), { palette: true, colours: 4 }),
    make('palette-alpha', drawing(64, 48, 4), { palette: true }),
    make('interlaced', drawing(37, 41, 4), { progressive: true }),
    make('rgb16', drawing(25, 25, 3).toColourspace('rgb16')),
    make('profile', drawing(32, 32, 3).withIccProfile('p3')),
    make('one', drawing(1, 1, 3)),
  ]);
}

export async function gifBases(): Promise<Base[]> {
  const make = async (name: string, picture: Sharp, options: GifOptions = {}): Promise<Base> => ({
    name,
    bytes: await picture.gif(options).toBuffer(),
  });
  return Promise.all([
    make('still', drawing(60, 40, 3)),
    make('transparent', drawing(50, 30, 4)),
    make('few', drawing(40, 40, 3), { colours: 2 }),
    make('interlaced', drawing(45, 37, 3), { progressive: true }),
    make('animated', await film(48, 32, 3, 5), { delay: [50, 100, 150, 200, 250], loop: 3 }),
    make('animated-forever', await film(20, 20, 4, 4), { delay: 40, loop: 0 }),
  ]);
}

export async function webpBases(): Promise<Base[]> {
  const make = async (name: string, picture: Sharp, options: WebpOptions = {}): Promise<Base> => ({
    name,
    bytes: await picture.webp(options).toBuffer(),
  });
  return Promise.all([
    make('lossy', drawing(61, 43, 3)),
    make('lossless', drawing(33, 44, 3), { lossless: true }),
    make('alpha', drawing(40, 40, 4)),
    make('alpha-lossless', drawing(41, 39, 4), { lossless: true }),
    make('profile', drawing(36, 24, 3).withIccProfile('p3')),
    make('animated', await film(40, 30, 3, 4), { delay: [60, 120, 180, 240], loop: 2 }),
    make('animated-alpha', await film(32, 32, 4, 3), { lossless: true, loop: 0 }),
  ]);
}

export async function profileOf(picture: Buffer): Promise<Buffer> {
  const { icc } = await sharp(picture).metadata();
  if (icc === undefined) throw new Error('the base picture should have a profile');
  return icc;
}
