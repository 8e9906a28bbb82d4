/**
 * Real films in many shapes, made by ffmpeg and changed by hand, each with metadata planted in it. The same recipes give
 * the figures of docs/metadata-mp4.md (`compare.ts`).
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  aacEntry,
  avcC,
  avcEntry,
  box,
  full,
  makeMp4,
  SECRET,
  sampleOf,
  sei,
  text,
  u16,
  u32,
  u64,
  type MadeTrack,
  type Shape,
} from './make.js';

export interface DirtyFile {
  readonly name: string;
  readonly bytes: Buffer;
}

/** A folder that is gone afterwards. */
export async function inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(path.join(tmpdir(), 'chatpic-mp4-'));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function run(tool: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(tool, args, { encoding: 'utf8', maxBuffer: 2 ** 28 });
  if (status !== 0) throw new Error(`${tool} ${args.join(' ')}: ${stderr}`);
  return stdout;
}

export function ffmpeg(...args: readonly string[]): void {
  run('ffmpeg', ['-v', 'error', '-nostdin', '-y', '-threads', '1', ...args]);
}

const PICTURE = ['-f', 'lavfi', '-i', 'testsrc2=size=96x64:rate=25:duration=1.2'];
const SOUND = ['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=44100:duration=1.2'];
const X264 = ['-c:v', 'libx264', '-preset', 'veryfast', '-g', '10', '-pix_fmt', 'yuv420p'];
const AAC = ['-c:a', 'aac', '-b:a', '64k'];
const PLANTED = [
  ...['title', 'comment', 'artist', 'copyright', 'description', 'encoder', 'location', 'creation_time', 'make'].flatMap(
    (key) => ['-metadata', `${key}=${key === 'creation_time' ? '2024-05-06T07:08:09Z' : SECRET}`],
  ),
  ...['-metadata:s', `handler_name=${SECRET}`, '-metadata:s', 'language=fra'],
];

/** Arguments after the two inputs, by name. */
const ENCODED: Readonly<Record<string, readonly string[]>> = {
  'b-frames': [...X264, '-bf', '3', ...AAC],
  'no-b-frames': [...X264, '-bf', '0', ...AAC],
  'negative-offsets': [...X264, '-bf', '2', ...AAC, '-movflags', 'negative_cts_offsets'],
  'no-edit-list': [...X264, '-bf', '2', ...AAC, '-use_editlist', '0'],
  faststart: [...X264, ...AAC, '-movflags', '+faststart'],
  fragmented: [...X264, '-bf', '2', ...AAC, '-movflags', 'frag_keyframe+empty_moov'],
  'fragmented-hybrid': [...X264, '-bf', '2', ...AAC, '-movflags', 'frag_keyframe'],
  'fragmented-dash': [
    ...X264,
    '-bf',
    '2',
    ...AAC,
    '-movflags',
    'frag_keyframe+empty_moov+default_base_moof+delay_moov',
  ],
  'fragmented-cmaf': [...X264, '-bf', '2', ...AAC, '-movflags', 'cmaf+delay_moov'],
  'fragmented-every-frame': [...X264, '-bf', '2', ...AAC, '-movflags', 'frag_every_frame+empty_moov'],
  'fragmented-separate': [...X264, ...AAC, '-movflags', 'frag_keyframe+separate_moof+empty_moov'],
  'fragmented-omit-offset': [...X264, ...AAC, '-movflags', 'frag_keyframe+empty_moov+omit_tfhd_offset'],
  'fragmented-global-sidx': [...X264, ...AAC, '-movflags', 'frag_keyframe+empty_moov+default_base_moof+global_sidx'],
  mov: [...X264, ...AAC, '-f', 'mov'],
  'mov-timecode': [...X264, ...AAC, '-timecode', '01:02:03:04', '-f', 'mov'],
  m4v: [...X264, ...AAC, '-f', 'ipod'],
  '3gp': [...X264, ...AAC, '-f', '3gp'],
  psp: [...X264, ...AAC, '-f', 'mp4', '-brand', 'avc1'],
  timecode: [...X264, ...AAC, '-timecode', '10:11:12:13'],
  silent: [...X264, '-an'],
  'yuv444-10-bit': ['-c:v', 'libx264', '-preset', 'veryfast', '-pix_fmt', 'yuv444p10le', ...AAC],
  lossless: ['-c:v', 'libx264', '-preset', 'veryfast', '-qp', '0', ...AAC],
  interlaced: [...X264, '-flags', '+ilme+ildct', '-x264-params', 'tff=1:pic-struct=1', ...AAC],
  'hrd-filler': [
    ...X264,
    '-b:v',
    '400k',
    '-maxrate',
    '400k',
    '-bufsize',
    '400k',
    '-x264-params',
    'nal-hrd=cbr',
    ...AAC,
  ],
  delimiters: [...X264, '-x264-params', 'aud=1:repeat-headers=1', ...AAC],
  'intra-refresh': [...X264, '-x264-params', 'intra-refresh=1', ...AAC],
  slices: [...X264, '-x264-params', 'slices=4', ...AAC],
  stereo3d: [...X264, '-x264-params', 'frame-packing=3', ...AAC],
  'variable-rate': [...X264, '-vf', 'select=not(eq(mod(n\\,5)\\,3))', '-vsync', 'vfr', ...AAC],
  anamorphic: [...X264, '-vf', 'setsar=4/3', '-color_primaries', 'bt709', '-colorspace', 'bt709', ...AAC],
  'surround-with-comment': [...X264, '-af', 'aformat=channel_layouts=5.0(side)', ...AAC],
  'surround-5.1': [...X264, '-ac', '6', ...AAC],
  mono: [...X264, '-ac', '1', '-ar', '22050', ...AAC],
  'two-of-each': ['-map', '0', '-map', '1', '-map', '0', '-map', '1', ...X264, ...AAC],
  'free-space': [...X264, ...AAC, '-movflags', 'faststart', '-moov_size', '20000'],
};

function encoded(folder: string): DirtyFile[] {
  return Object.entries(ENCODED).map(([name, args]) => {
    const file = path.join(folder, `${name}.mp4`);
    ffmpeg(...PICTURE, ...SOUND, ...PLANTED, '-threads', '1', '-f', 'mp4', ...args, file);
    return { name, bytes: readFileSync(file) };
  });
}

/** Changes of a finished file that ffmpeg makes when it copies: rotation, chapters, subtitles, pictures, trimming. */
function copied(folder: string, base: string): DirtyFile[] {
  const subtitles = path.join(folder, 's.srt');
  writeFileSync(subtitles, `1\n00:00:00,000 --> 00:00:01,000\n${SECRET}\n`);
  const chapters = path.join(folder, 'c.txt');
  writeFileSync(chapters, `;FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=900\ntitle=${SECRET}\n`);
  const cover = path.join(folder, 'c.jpg');
  ffmpeg('-f', 'lavfi', '-i', 'testsrc=size=32x32:duration=0.04', '-frames:v', '1', cover);
  const made: Readonly<Record<string, readonly string[]>> = {
    'rotated-90': ['-i', base, '-c', 'copy', '-metadata:s:v', 'rotate=90'],
    'rotated-270': ['-i', base, '-c', 'copy', '-metadata:s:v', 'rotate=270'],
    subtitles: ['-i', base, '-i', subtitles, '-map', '0', '-map', '1', '-c', 'copy', '-c:s', 'mov_text'],
    chapters: ['-i', base, '-i', chapters, '-map', '0', '-map_metadata', '1', '-map_chapters', '1', '-c', 'copy'],
    cover: ['-i', base, '-i', cover, '-map', '0', '-map', '1', '-c', 'copy', '-disposition:v:1', 'attached_pic'],
    trimmed: ['-ss', '0.5', '-i', base, '-c', 'copy'],
    delayed: ['-itsoffset', '0.4', '-i', base, '-i', base, '-map', '0:v', '-map', '1:a', '-c', 'copy'],
    'tags-mdta': ['-i', base, '-c', 'copy', '-movflags', 'use_metadata_tags'],
  };
  return Object.entries(made).map(([name, args]) => {
    const file = path.join(folder, `${name}.mp4`);
    ffmpeg(...args, ...PLANTED, file);
    return { name, bytes: readFileSync(file) };
  });
}

/** NAL units of an H.264 byte stream, by sample: each begins with a delimiter. */
function accessUnits(stream: Buffer): Buffer[][] {
  const units: Buffer[][] = [];
  let start = -1;
  for (let at = 0; at <= stream.length; at++) {
    const code = at === stream.length || (stream[at] === 0 && stream[at + 1] === 0 && stream[at + 2] === 1);
    if (!code) continue;
    if (start >= 0) {
      let end = at;
      while (end > start && stream[end - 1] === 0) end--;
      const unit = stream.subarray(start, end);
      if ((unit[0]! & 31) === 9) units.push([]);
      units.at(-1)?.push(unit);
    }
    start = at + 3;
    at += 2;
  }
  return units;
}

function adtsFrames(stream: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = 0; at + 7 <= stream.length;) {
    const length = ((stream[at + 3]! & 3) << 11) | (stream[at + 4]! << 3) | (stream[at + 5]! >>> 5);
    frames.push(stream.subarray(at + 7, at + length));
    at += length;
  }
  return frames;
}

interface Raw {
  readonly units: readonly (readonly Buffer[])[];
  readonly sps: Buffer;
  readonly pps: Buffer;
  readonly frames: readonly Buffer[];
}

function raw(folder: string): Raw {
  const video = path.join(folder, 'raw.h264');
  const audio = path.join(folder, 'raw.aac');
  const small = 'aud=1:slice-max-size=180:pic-struct=1';
  ffmpeg(...PICTURE, ...X264, '-bf', '0', '-x264-params', small, '-bsf:v', 'filter_units=remove_types=6', video);
  ffmpeg(...SOUND, '-ac', '2', ...AAC, audio);
  const units = accessUnits(readFileSync(video));
  const first = (type: number): Buffer => units.flat().find((unit) => (unit[0]! & 31) === type)!;
  return { units, sps: first(7), pps: first(8), frames: adtsFrames(readFileSync(audio)) };
}

const secret = text(SECRET);
const NOTE = sei(5, Buffer.concat([Buffer.alloc(16, 0x11), secret]));
const REGISTERED = sei(4, Buffer.concat([Buffer.from([0xb5, 0, 0x31]), text('GA94'), secret]));

function realVideo({ units, sps, pps }: Raw, lengthSize: number): MadeTrack {
  const samples = units.map((unit) => {
    const [delimiter, ...rest] = unit.filter((part) => ![7, 8].includes(part[0]! & 31));
    return sampleOf([delimiter!, NOTE, REGISTERED, ...rest], lengthSize);
  });
  const syncs = units.flatMap((unit, index) => (unit.some((part) => (part[0]! & 31) === 5) ? [index + 1] : []));
  return {
    handler: 'vide',
    entry: avcEntry(avcC(sps, pps, lengthSize, secret), 96, 64, SECRET),
    samples,
    timescale: 600,
    delta: 24,
    width: 96,
    height: 64,
    inTable: [full('stss', 0, 0, u32(syncs.length, ...syncs))],
  };
}

function realAudio({ frames }: Raw): MadeTrack {
  const entry = aacEntry(Buffer.from([0x12, 0x10]), 2, 44100);
  return { handler: 'soun', entry, samples: frames, timescale: 44100, delta: 1024 };
}

function metadataTracks(): MadeTrack[] {
  const samples = Array.from({ length: 8 }, (_, index) => Buffer.concat([u32(index), secret]));
  const of = (handler: string, entry: Buffer): MadeTrack => ({ handler, entry, samples, timescale: 600, delta: 90 });
  return [
    of('meta', box('gpmd', Buffer.alloc(6), u16(1), u32(0))),
    of('camm', box('camm', Buffer.alloc(6), u16(1))),
    of('meta', box('mett', Buffer.alloc(6), u16(1), text(`\0${SECRET}\0`))),
    of('meta', box('mebx', Buffer.alloc(6), u16(1), box('keys', u32(1), secret))),
    of('tmcd', box('tmcd', Buffer.alloc(6), u16(1), u32(0, 0, 600, 24), Buffer.from([25, 0]))),
    of('vide', box('jpeg', Buffer.alloc(6), u16(1), Buffer.alloc(70))),
  ];
}

const PLACES: Shape = {
  dirty: true,
  inMovie: [
    box('udta', box('\xa9xyz', u16(20, 0x15c7), secret), box('CAME', secret), box('GPMF', secret)),
    box('uuid', Buffer.alloc(16, 5), secret),
    box('meta', secret),
  ],
  inFile: [box('uuid', Buffer.alloc(16, 6), secret), box('free', secret), box('skip', secret)],
  gap: secret,
};

/** Shapes that no common program writes, around real samples. */
const BY_HAND: Readonly<Record<string, Shape>> = {
  'hand-plain': {},
  'hand-co64-last': { offsets: 'co64', index: 'last' },
  'hand-stz2': { sizes: 'stz2-16' },
  'hand-long-box': { header: 'long' },
  'hand-open-box': { header: 'open' },
  'hand-two-mdat': { halves: true },
  'hand-one-sample-a-chunk': { perChunk: 1 },
  'hand-not-interleaved': { perChunk: 10_000 },
  'hand-trailing': { tail: Buffer.concat([text('\x89PNG'), secret, u64(0)]) },
  'hand-trailing-box': { tail: box('mdat', secret) },
};

function byHand(folder: string): DirtyFile[] {
  const made = raw(folder);
  const shapes = Object.entries(BY_HAND).map(([name, shape]) => {
    const tracks = [...metadataTracks(), realVideo(made, 4), realAudio(made)];
    return { name, bytes: makeMp4(tracks, { ...PLACES, ...shape }) };
  });
  const lengths = [1, 2].map((lengthSize) => {
    const tracks = [realVideo(made, lengthSize), realAudio(made)];
    return { name: `hand-lengths-of-${lengthSize}`, bytes: makeMp4(tracks, PLACES) };
  });
  return [...shapes, ...lengths];
}

/** All files. Takes some seconds. */
export function makeCorpus(folder: string): DirtyFile[] {
  const files = encoded(folder);
  return [...files, ...copied(folder, path.join(folder, 'b-frames.mp4')), ...byHand(folder)];
}
