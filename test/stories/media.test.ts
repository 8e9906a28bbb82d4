import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import test from 'tap';
import { needs } from '../needs.js';
import { formOf, picture, postForm, startAppliance, upload } from './appliance.js';

interface Json {
  readonly url: string;
  readonly files: readonly {
    readonly type: string;
    readonly metadata_removed: readonly { readonly kind: string; readonly count: number }[];
  }[];
}

/** Two seconds of moving picture and sound, with a place, a title and an encoder's signature. */
function video(dir: string): string {
  const file = path.join(dir, 'film.mp4');
  execFileSync('ffmpeg', [
    ...[
      '-v',
      'error',
      '-y',
      '-f',
      'lavfi',
      '-i',
      'testsrc2=size=640x360:rate=25:duration=2',
      '-f',
      'lavfi',
      '-i',
      'sine=duration=2',
    ],
    ...[
      '-c:v',
      'libx264',
      '-preset',
      'ultrafast',
      '-pix_fmt',
      'yuv420p',
      '-c:a',
      'aac',
      '-metadata',
      'title=PlantedTitle',
    ],
    ...['-metadata', 'location=+48.1370+011.5750/', '-metadata', 'comment=PlantedComment', file],
  ]);
  return file;
}

test.test(
  'a video goes in, loses its metadata, and plays by ranges from a page with its poster',
  needs('ffmpeg', 'exiftool'),
  async (t) => {
    const appliance = await startAppliance();
    t.teardown(() => appliance.stop());
    const dir = mkdtempSync(path.join(tmpdir(), 'chatpic-video-'));
    const file = video(dir);
    const response = await postForm(appliance.base, formOf(readFileSync(file), { name: 'film.mp4' }), {
      Accept: 'application/json',
    });
    const json = (await response.json()) as Json;
    t.equal(json.files[0]?.type, 'video/mp4');
    t.ok(json.files[0]?.metadata_removed.some(({ kind }) => kind === 'encoder-note'));
    const page = await (await fetch(json.url, { headers: { Accept: 'text/html' } })).text();
    t.match(page, /<video src="\/open\/[0-9A-Za-z]{22}\/1"[^>]* poster="data:image\/webp;base64,/);
    const grant = /\/open\/[0-9A-Za-z]{22}\/1/.exec(page)?.[0] ?? '';
    const part = await fetch(`${appliance.base}${grant}`, { headers: { Range: 'bytes=0-' } });
    t.equal(part.status, 206);
    t.equal(part.headers.get('content-type'), 'video/mp4');
    const got = Buffer.from(await part.arrayBuffer());
    t.equal(got.toString('latin1', 4, 8), 'ftyp');
    t.ok(got.indexOf('moov') < got.indexOf('mdat'), 'the index stands first');
    t.notMatch(got.toString('latin1'), /Planted|Lavf|Lavc|x264/);
    const out = path.join(dir, 'out.mp4');
    writeFileSync(out, got);
    t.notMatch(
      execFileSync('exiftool', ['-a', '-u', '-ee', '-G1', out], { encoding: 'utf8' }),
      /Planted|GPS|Comment|Encoder/,
    );
    const frames = (name: string): string =>
      execFileSync('ffmpeg', ['-v', 'error', '-i', name, '-map', '0', '-f', 'framemd5', '-'], { encoding: 'utf8' });
    const pictures = (text: string): string =>
      text
        .split('\n')
        .filter((line) => !line.startsWith('#'))
        .join('\n');
    t.equal(pictures(frames(out)), pictures(frames(file)), 'every frame and every sample is the same');
  },
);

test.test(
  'the answer says what was removed, by kind and count, and never what it was',
  needs('exiftool'),
  async (t) => {
    const appliance = await startAppliance();
    t.teardown(() => appliance.stop());
    const file = path.join(mkdtempSync(path.join(tmpdir(), 'chatpic-told-')), 'x.jpg');
    writeFileSync(file, await picture(1));
    execFileSync('exiftool', [
      '-q',
      '-overwrite_original',
      '-GPSLatitude=48.137',
      '-GPSLongitude=11.575',
      '-Model=PlantedModel',
      '-DateTimeOriginal=2026:11:24 12:00:00',
      file,
    ]);
    const bytes = readFileSync(file);
    const json = await (await postForm(appliance.base, formOf(bytes), { Accept: 'application/json' })).text();
    const kinds = (JSON.parse(json) as Json).files[0]?.metadata_removed.map(({ kind }) => kind) ?? [];
    for (const kind of ['location', 'camera', 'date']) t.ok(kinds.includes(kind), kind);
    t.notMatch(json, /Planted|48\.1|2026:11/);
    const html = await (await postForm(appliance.base, formOf(bytes), { Accept: 'text/html' })).text();
    t.match(html, /location/);
    t.notMatch(html, /Planted/);
  },
);

test.test('hard scrub makes the picture anew', async (t) => {
  const appliance = await startAppliance();
  t.teardown(() => appliance.stop());
  const photo = await picture(6, 640, 480);
  const shared = await upload(appliance.base, photo, { fields: { scrub: 'hard' } });
  const got = Buffer.from(await (await fetch(shared.fileUrl)).arrayBuffer());
  t.notOk(got.equals(photo));
  const { width, height, format } = await sharp(got).metadata();
  t.equal(format, 'jpeg');
  t.ok(width > 300 && height > 200);
});

test.test(
  'any file, where an operator lets them in, is a download and never shown, and the sender is told',
  async (t) => {
    const appliance = await startAppliance({ settings: { CHATPIC_ANY_FILE: 'on' } });
    t.teardown(() => appliance.stop());
    const bytes = Buffer.concat([Buffer.from('%PDF-1.7\n'), Buffer.alloc(500, 0x80)]);
    const html = await (
      await postForm(appliance.base, formOf(bytes, { name: 'report.pdf' }), { Accept: 'text/html' })
    ).text();
    t.match(html, /metadata/i);
    const shared = await upload(appliance.base, bytes, { name: 'report.pdf' });
    const response = await fetch(shared.fileUrl);
    t.equal(response.headers.get('content-type'), 'application/octet-stream');
    t.match(response.headers.get('content-disposition'), /^attachment; filename="?report\.pdf/);
    t.ok(Buffer.from(await response.arrayBuffer()).equals(bytes));
    const page = await (await fetch(shared.url, { headers: { Accept: 'text/html' } })).text();
    t.notMatch(page, /<(img|video|iframe|embed|object)/);
  },
);

test.test('every kind of picture comes back as what it is', async (t) => {
  const appliance = await startAppliance();
  t.teardown(() => appliance.stop());
  const base = sharp(await picture(7));
  const pictures: Readonly<Record<string, Buffer>> = {
    'image/png': await base.clone().png().toBuffer(),
    'image/webp': await base.clone().webp({ lossless: true }).toBuffer(),
    'image/gif': await base.clone().gif().toBuffer(),
    'image/jpeg': await base.clone().jpeg({ progressive: true }).toBuffer(),
  };
  for (const [type, bytes] of Object.entries(pictures)) {
    const shared = await upload(appliance.base, bytes, { name: 'x.bin' });
    const response = await fetch(shared.fileUrl);
    t.equal(response.headers.get('content-type'), type);
    const got = Buffer.from(await response.arrayBuffer());
    const raw = (picture: Buffer): Promise<Buffer> => sharp(picture).raw().toBuffer();
    t.ok((await raw(got)).equals(await raw(bytes)), `${type}: the same pixels`);
  }
});
