/** An answer made before there is a request to answer: bytes for the socket, with the headers that every answer has. */
const HEADERS = [
  "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'X-Content-Type-Options: nosniff',
  'Referrer-Policy: same-origin',
  'Cross-Origin-Resource-Policy: same-origin',
  'Cross-Origin-Opener-Policy: same-origin',
  'Cache-Control: no-store',
  'X-Robots-Tag: noindex',
  'Content-Type: text/plain; charset=utf-8',
  'Connection: close',
];

/** `status` is code and phrase; `sentence` is ASCII. */
export function bareAnswer(status: string, sentence: string, more: readonly string[] = []): string {
  const length = `Content-Length: ${sentence.length + 1}`;
  return [`HTTP/1.1 ${status}`, ...HEADERS, ...more, length, '', `${sentence}\n`].join('\r\n');
}
