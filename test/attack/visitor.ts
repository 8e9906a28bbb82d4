/**
 * A normal visitor in a process of its own, so that an attacker who is busy does not make it look slow: shares a picture,
 * looks at it, deletes it, one time after the other. Tells each time in milliseconds over the channel, and hears when to 'rest'
 * and to 'go' on.
 */
import sharp from 'sharp';

const base = process.argv[2] ?? '';
const pixels = Buffer.alloc(640 * 480 * 3, 0).map((_, i) => (i * 31 + (i >> 9) * 7) & 255);
const photo = await sharp(pixels, { raw: { width: 640, height: 480, channels: 3 } })
  .jpeg()
  .toBuffer();

async function share(): Promise<void> {
  const form = new FormData();
  form.set('expiry', '1h');
  form.set('file', new Blob([photo]), 'photo.jpg');
  const answer = await fetch(`${base}/`, { method: 'POST', body: form, headers: { Connection: 'close' } });
  const text = await answer.text();
  if (answer.status !== 201) throw new Error(`expected 201, got ${answer.status}: ${text.slice(0, 100)}`);
  const link = text.split('\n')[0] ?? '';
  const seen = await fetch(link.replace('/view/', '/file/'), { headers: { Connection: 'close' } });
  if ((await seen.arrayBuffer()).byteLength < 1000) throw new Error(`expected a picture, got ${seen.status}`);
  const url = answer.headers.get('x-url-delete') ?? '';
  await (await fetch(url, { method: 'DELETE', headers: { Connection: 'close' } })).arrayBuffer();
}

/** What went wrong with a share; null = nothing. */
function tried(): Promise<string | null> {
  return share().then(
    () => null,
    (error: unknown) =>
      error instanceof Error ? `${error.message} ${error.cause instanceof Error ? error.cause.message : ''}` : 'failed',
  );
}

const told = { word: 'go' };
process.on('message', (word) => {
  told.word = String(word);
});

for (;;) {
  while (told.word === 'rest') await new Promise((resolve) => setTimeout(resolve, 100));
  const begun = performance.now();
  const failure = await tried();
  process.send?.({ milliseconds: performance.now() - begun, failure });
  await new Promise((resolve) => setTimeout(resolve, 100));
}
