/** The certificate of the mirror's first start, as OpenSSL reads it. */
import { X509Certificate } from 'node:crypto';
import test from 'tap';
import { selfSigned, serialFrom } from '../../src/web/certificate.js';

test.test('a serial number is as DER wants it, whatever the random bytes', (t) => {
  for (const [random, serial] of [
    ['\x00'.repeat(16), `40${'00'.repeat(15)}`],
    ['\xff'.repeat(16), `7f${'ff'.repeat(15)}`],
    ['\x00\x01'.repeat(8), `4001${'0001'.repeat(7)}`],
  ] as const)
    t.equal(serialFrom(random), serial);
  t.end();
});

test.test('OpenSSL reads it, for this host and these ninety days', async (t) => {
  const now = Date.UTC(2026, 10, 24, 13);
  const made = new X509Certificate((await selfSigned('mirror.example', now)).certificate);
  t.equal(made.subjectAltName, 'DNS:mirror.example');
  t.match(made.serialNumber, /^[4-7][0-9A-F]{31}$/);
  t.equal(new Date(made.validFrom).getTime(), Date.UTC(2026, 10, 24));
  t.equal(new Date(made.validTo).getTime(), Date.UTC(2027, 1, 22));
});
