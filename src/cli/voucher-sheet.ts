/** Pro codes on paper: a page of HTML that asks nothing of anybody, eight to a sheet of A4, to be printed and cut. */
import { MB } from '../base/units.js';
import type { Configuration } from '../config/configuration.js';

const STYLE = `
@page{margin:12mm}body{margin:0;font:11pt/1.4 sans-serif;color:#000}
main{display:grid;grid-template-columns:1fr 1fr}
section{border:1px dashed #888;padding:6mm;break-inside:avoid}
h2{margin:0;font-size:12pt}code{display:block;margin:3mm 0;font:bold 15pt monospace}p{margin:0}
small{display:block;margin-top:2mm}`;

export function voucherSheet(
  { siteName, proBytes, proDays, onionOrigin, mirrorOrigin }: Configuration,
  codes: readonly string[],
  until: string,
): string {
  const name = escaped(siteName);
  const gains = `Up to ${proBytes / MB} MB a file, kept for up to ${proDays} days. Good until ${until}.`;
  const address = onionOrigin ?? mirrorOrigin;
  const where = address === null ? '' : `<small>${escaped(address)}</small>`;
  const cards = codes.map(
    (code) =>
      `<section><h2>${name} Pro</h2><code>${code}</code><p>${gains}</p>` +
      `<p>Type it under “More options”. Whoever has it can use it.</p>${where}</section>`,
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${name} Pro</title><style>${STYLE}</style></head>
<body><main>
${cards.join('\n')}
</main></body></html>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
