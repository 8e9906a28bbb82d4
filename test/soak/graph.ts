/** The soak as a picture: four small graphs over one time, drawn as SVG and written as PNG. */
import sharp from 'sharp';
import type { Sample } from './soak.js';

const WIDTH = 900;
const HEIGHT = 170;
const LEFT = 70;
const RIGHT = 20;
const TOP = 34;
const BOTTOM = 26;

interface Graph {
  readonly title: string;
  readonly of: (sample: Sample) => number;
}

const GRAPHS: readonly Graph[] = [
  { title: 'Resident memory, MB', of: ({ memory }) => memory },
  { title: 'Open handles', of: ({ handles }) => handles },
  { title: 'The middle deed, ms', of: ({ middle }) => middle },
  { title: 'Processor time of the server for a deed, ms', of: ({ cost }) => cost },
];

export function drawSoak(samples: readonly Sample[]): Promise<Buffer> {
  const graphs = GRAPHS.map((graph, index) => drawn(graph, samples, index * HEIGHT));
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${GRAPHS.length * HEIGHT}" ` +
    `font-family="sans-serif" font-size="13"><rect width="100%" height="100%" fill="#fff"/>${graphs.join('')}</svg>`;
  return sharp(Buffer.from(svg)).png({ palette: true, colours: 16 }).toBuffer();
}

function drawn({ title, of }: Graph, samples: readonly Sample[], top: number): string {
  const most = niceAbove(Math.max(...samples.map(of)));
  const end = samples.at(-1)?.at ?? 1;
  const x = (at: number): number => LEFT + ((WIDTH - LEFT - RIGHT) * at) / end;
  const y = (value: number): number => top + HEIGHT - BOTTOM - ((HEIGHT - TOP - BOTTOM) * value) / most;
  const points = samples.map((sample) => `${x(sample.at).toFixed(1)},${y(of(sample)).toFixed(1)}`).join(' ');
  const lines = [0, most / 2, most].map(
    (value) =>
      `<path d="M${LEFT} ${y(value)}H${WIDTH - RIGHT}" stroke="#ddd"/>` +
      `<text x="${LEFT - 8}" y="${y(value) + 4}" text-anchor="end" fill="#555">${value}</text>`,
  );
  const minutes = [0, 0.25, 0.5, 0.75, 1].map(
    (part) =>
      `<text x="${x(part * end)}" y="${top + HEIGHT - 8}" text-anchor="middle" fill="#555">` +
      `${((part * end) / 60).toFixed(end < 600 ? 1 : 0)} min</text>`,
  );
  return (
    `<text x="${LEFT}" y="${top + 22}" font-weight="bold">${title}</text>${lines.join('')}${minutes.join('')}` +
    `<polyline points="${points}" fill="none" stroke="#1d6b5f" stroke-width="1.5"/>`
  );
}

/** The next of 1, 2, 5 times a power of ten, or of halves between. */
function niceAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, value)));
  return ([1, 2, 3, 4, 5, 6, 8, 10].find((step) => step * power >= value) ?? 10) * power;
}
