/**
 * A certificate for the mirror's first start, and the request by which an authority makes a real one.
 *
 * Self-signed: it encrypts, and proves nothing to anyone; browsers warn of it. RSA with 3072 bits and SHA-256, because that
 * is what node-forge can write. Its keys are strings that can't be wiped, which is why it makes certificates and nothing else.
 */
import { promisify } from 'node:util';
import forge from 'node-forge';
import { DAY } from '../base/units.js';

const BITS = 3072;
const LIFE = 90 * DAY;
const generate = promisify(forge.pki.rsa.generateKeyPair.bind(forge.pki.rsa)) as unknown as (options: {
  bits: number;
}) => Promise<forge.pki.rsa.KeyPair>;

export interface Certificate {
  /** PEM. */
  readonly certificate: string;
  readonly key: string;
  /** PKCS#10, to be handed to an authority. */
  readonly request: string;
}

/**
 * A serial number (hexadecimal) from 16 random bytes, one binary character each: positive and without a zero byte in front,
 * which DER forbids and OpenSSL refuses to read (RFC 5280 4.1.2.2; X.690 8.3.2).
 */
export function serialFrom(random: string): string {
  const first = (random.charCodeAt(0) & 0x7f) | 0x40;
  return forge.util.bytesToHex(String.fromCharCode(first) + random.slice(1));
}

/** Makes a key, a certificate for `host` that lasts 90 days from the beginning of the day of `now`, and a request. */
export async function selfSigned(host: string, now: number): Promise<Certificate> {
  const keys = await generate({ bits: BITS });
  const subject = [{ shortName: 'CN', value: host }];
  const names = { name: 'subjectAltName', altNames: [{ type: 2, value: host }] };
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = keys.publicKey;
  certificate.serialNumber = serialFrom(forge.random.getBytesSync(16));
  const begin = now - (now % DAY);
  certificate.validity.notBefore = new Date(begin);
  certificate.validity.notAfter = new Date(begin + LIFE);
  certificate.setSubject(subject);
  certificate.setIssuer(subject);
  certificate.setExtensions([
    { name: 'basicConstraints', cA: false },
    { name: 'keyUsage', digitalSignature: true },
    { name: 'extKeyUsage', serverAuth: true },
    names,
  ]);
  certificate.sign(keys.privateKey, forge.md.sha256.create());
  const request = forge.pki.createCertificationRequest();
  request.publicKey = keys.publicKey;
  request.setSubject(subject);
  request.setAttributes([{ name: 'extensionRequest', extensions: [names] }]);
  request.sign(keys.privateKey, forge.md.sha256.create());
  return {
    certificate: forge.pki.certificateToPem(certificate),
    key: forge.pki.privateKeyToPem(keys.privateKey),
    request: forge.pki.certificationRequestToPem(request),
  };
}
