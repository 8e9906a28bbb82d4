import sharp from 'sharp';

/** All frames as libvips renders them: decoded, turned upright, through the embedded profile to sRGB. */
export async function rendered(bytes: Buffer, turn: boolean): Promise<string> {
  const picture = sharp(bytes, { animated: !turn, failOn: 'none' });
  if (turn) picture.autoOrient();
  const { data, info } = await picture.toColourspace('srgb').raw().toBuffer({ resolveWithObject: true });
  const { delay, loop } = await sharp(bytes, { animated: true, failOn: 'none' }).metadata();
  return JSON.stringify([info.width, info.height, info.channels, delay, loop, data.toString('base64')]);
}
