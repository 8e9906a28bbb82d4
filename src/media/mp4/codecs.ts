/** Names of codecs as MP4 and QuickTime files write them, in the words that a refusal uses. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ...named('HEVC video', 'hvc1', 'hev1', 'hvc2', 'hev2', 'dvh1', 'dvhe'),
  ...named('VVC video', 'vvc1', 'vvi1'),
  ...named('AV1 video', 'av01', 'dav1'),
  ...named('VP9 video', 'vp09'),
  ...named('VP8 video', 'vp08'),
  ...named('ProRes video', 'apch', 'apcn', 'apcs', 'apco', 'ap4h', 'ap4x', 'aprn', 'aprh'),
  ...named('MPEG-4 Part 2 video', 'mp4v', 'xvid', 'XVID', 'divx', 'DIVX'),
  ...named('MPEG-2 video', 'm2v1', 'hdv1', 'hdv2', 'hdv3', 'xdvb', 'xdvc', 'mpg2'),
  ...named('Motion JPEG video', 'jpeg', 'mjpa', 'mjpb', 'mjp2'),
  ...named('H.263 video', 's263', 'h263'),
  ...named('Dolby Vision video', 'dvav', 'dva1'),
  ...named('DV video', 'dvc ', 'dvcp', 'dvpp', 'dv5n', 'dv5p', 'dvh5', 'dvh6'),
  ...named('DNxHD video', 'AVdn', 'AVdh'),
  ...named('uncompressed video', 'raw ', '2vuy', 'v210', 'yuv2', 'rle ', 'png '),
  ...named('encrypted video', 'encv', 'drmi'),
  ...named('encrypted sound', 'enca', 'drms'),
  ...named('MP3 sound', '.mp3', 'ms\0U'),
  ...named('Dolby Digital sound', 'ac-3', 'ec-3', 'ac-4'),
  ...named('Opus sound', 'Opus'),
  ...named('FLAC sound', 'fLaC'),
  ...named('ALAC sound', 'alac'),
  ...named('AMR sound', 'samr', 'sawb', 'sawp'),
  ...named('DTS sound', 'dtsc', 'dtsh', 'dtsl', 'dtse'),
  ...named(
    'uncompressed sound',
    'sowt',
    'twos',
    'lpcm',
    'ipcm',
    'fpcm',
    'in24',
    'in32',
    'fl32',
    'fl64',
    'ulaw',
    'alaw',
  ),
  ...named('Apple spatial sound', 'apac'),
]);

/** Pictures in a video track beside the film: chapter pictures and covers. */
export const STILL_CODECS: ReadonlySet<string> = new Set(['jpeg', 'mjpa', 'mjpb', 'png ', 'tiff', 'gif ']);
export const AVC_CODECS: ReadonlySet<string> = new Set(['avc1', 'avc3']);
export const AAC_CODEC = 'mp4a';

/** What `codec`, the codec of a track of pictures or sound, seems to be. Never the bytes of the file themselves. */
export function seemsToBe(codec: string, kind: 'video' | 'sound'): string {
  return NAMES.get(codec) ?? `${kind} of an unknown kind`;
}

function named(name: string, ...codecs: readonly string[]): [string, string][] {
  return codecs.map((codec) => [codec, name]);
}
