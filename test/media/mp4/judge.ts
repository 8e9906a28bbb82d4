/** Judges that know nothing of the code under test: exiftool for what is left, ffmpeg for what is shown and heard. */
import { spawnSync } from 'node:child_process';
import { run } from './corpus.js';
import { SECRET } from './make.js';

/** Groups in which exiftool speaks of itself and of the file on the disk. */
const NOT_OF_THE_FILE = /^(SourceFile|ExifTool:|File:|System:|Composite:)/;

/** What a film must say to be played: numbers, and names of codecs. */
const PLAYED = new Set(
  [
    'MajorBrand MinorVersion CompatibleBrands MovieHeaderVersion TimeScale Duration PreferredRate PreferredVolume',
    'MatrixStructure PreviewTime PreviewDuration PosterTime SelectionTime SelectionDuration CurrentTime NextTrackID',
    'TrackHeaderVersion TrackID TrackDuration TrackLayer TrackVolume ImageWidth ImageHeight MediaHeaderVersion',
    'MediaTimeScale MediaDuration HandlerType GraphicsMode OpColor CompressorID SourceImageWidth SourceImageHeight',
    'XResolution YResolution BitDepth AVCConfiguration PixelAspectRatio VideoFrameRate Balance AudioFormat',
    'AudioChannels AudioBitsPerSample AudioSampleRate CompositionTimeToSample SyncSampleTable SampleToChunk SampleSizes',
    'ChunkOffset TimeToSampleTable MediaDataSize MediaDataOffset MediaData ColorProfiles ColorPrimaries',
    'TransferCharacteristics MatrixCoefficients VideoFullRangeFlag MovieFragmentSequence SequenceNumber TrackProperty',
    'Unknown_mvex Unknown_edts Unknown_esds Unknown_fiel Unknown_mehd Unknown_trex Unknown_tfhd Unknown_tfdt Unknown_trun',
  ].flatMap((line) => line.split(' ')),
);

/** What of `exiftool -ee -a -u -G` says anything about the maker or the making of a file, by file. */
export function residues(folder: string): Map<string, string[]> {
  // Its exit code tells of warnings too: what it found is what counts.
  const { stdout } = spawnSync('exiftool', ['-ee', '-a', '-u', '-U', '-G1', '-j', folder], { encoding: 'utf8' });
  const files = JSON.parse(stdout) as Record<string, unknown>[];
  return new Map(
    files.map((tags) => {
      const left = Object.entries(tags).filter(([name, value]) => !isPlayed(name, String(value)));
      return [String(tags['SourceFile']), left.map(([name, value]) => `${name}=${String(value)}`)];
    }),
  );
}

function isPlayed(name: string, value: string): boolean {
  if (NOT_OF_THE_FILE.test(name)) return true;
  const tag = name.replace(/^.*:/, '');
  if (tag.endsWith('Date')) return value === '0000:00:00 00:00:00';
  if (tag.endsWith('LanguageCode')) return value === 'und';
  return PLAYED.has(tag) && !value.includes(SECRET);
}

/** MD5 of each decoded frame of H.264 and of AAC, with its time, one stream after the other. */
export function decodedFrames(file: string): string[] {
  const listed = run('ffprobe', ['-v', 'quiet', '-show_entries', 'stream=index,codec_name', '-of', 'csv=p=0', file]);
  const streams = [...listed.matchAll(/^(\d+),(?:h264|aac)/gm)].map(([, index]) => index ?? '');
  return streams.flatMap((stream) => {
    const args = ['-v', 'error', '-threads', '1', '-i', file, '-map', `0:${stream}`, '-f', 'framemd5', '-'];
    return run('ffmpeg', args).split('\n');
  });
}

/** Complaints of ffmpeg while it decodes all of a file. */
export function complaints(file: string): string {
  return run('sh', ['-c', 'ffmpeg -v warning -threads 1 -i "$0" -map 0 -f null - 2>&1', file]);
}
