/** What exiftool still finds in files: everything but the structure of the format, colour, and the orientation. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';

const STRUCTURE = new RegExp(
  [
    '^SourceFile$',
    '^(?:ExifTool|System|Composite|ICC-header):',
    '^File:(?:FileType|FileTypeExtension|MIMEType|ExifByteOrder|Image(?:Width|Height)|EncodingProcess|BitsPerSample)$',
    '^File:(?:ColorComponents|YCbCrSubSampling)$',
    '^JFIF:(?:JFIFVersion|ResolutionUnit|[XY]Resolution)$',
    '^IFD0:Orientation$',
    '^Adobe:(?:DCTEncodeVersion|APP14Flags[01]|ColorTransform)$',
    '^ICC_Profile:(?:MediaWhitePoint|MediaBlackPoint|ChromaticAdaptation|(?:Red|Green|Blue)MatrixColumn)$',
    '^ICC_Profile:(?:(?:Red|Green|Blue|Gray)TRC|[AB]ToA?B?[0-2]|ColorPrimaries|TransferCharacteristics)$',
    '^PNG:(?:Image(?:Width|Height)|BitDepth|ColorType|Compression|Filter|Interlace|Palette|Transparency|Gamma|BackgroundColor|SignificantBits)$',
    '^PNG:(?:SRGBRendering|WhitePoint[XY]|(?:Red|Green|Blue)[XY]|Animation(?:Frames|Plays))$',
    '^PNG-(?:pHYs|cICP):',
    '^GIF:(?:GIFVersion|Image(?:Width|Height)|HasColorMap|ColorResolutionDepth|BitsPerPixel|BackgroundColor)$',
    '^GIF:(?:PixelAspectRatio|AnimationIterations|FrameCount|Duration|TransparentColor)$',
    '^RIFF:(?:Image(?:Width|Height)|VP8Version|(?:Horizontal|Vertical)Scale|WebP_Flags|AlphaIsUsed)$',
    '^RIFF:(?:Alpha(?:Preprocessing|Filtering|Compression)|BackgroundColor|AnimationLoopCount|FrameCount|Duration)$',
  ].join('|'),
);
/** Fields that are always written, with the words that stand in every file. */
const FIXED: Readonly<Record<string, readonly unknown[]>> = {
  'ICC_Profile:ProfileDescription': ['RGB', 'CMYK', 'GRAY'],
  'ICC_Profile:ProfileCopyright': ['-'],
  'PNG:ProfileName': ['ICC'],
};

/** By file name, the tags that are neither structure nor fixed. Files with none are absent. */
export function residual(folder: string): Map<string, string[]> {
  const run = spawnSync('exiftool', ['-j', '-G1', '-a', '-u', '-ee', '-charset', 'filename=utf8', folder], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  const found = new Map<string, string[]>();
  for (const file of JSON.parse(run.stdout) as Record<string, unknown>[]) {
    const tags = Object.entries(file).filter(
      ([tag, value]) => tag === 'ExifTool:Warning' || !(STRUCTURE.test(tag) || FIXED[tag]?.includes(value) === true),
    );
    if (tags.length > 0)
      found.set(
        path.basename(String(file['SourceFile'])),
        tags.map(([tag]) => tag),
      );
  }
  return found;
}
