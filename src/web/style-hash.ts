/** Base64 of the SHA-256 of a text in UTF-8: how a Content-Security-Policy names an inline style (CSP 3, section 2.3.1). */
import { sha256 } from '../crypto/hash.js';

export function base64Sha256(text: string): string {
  return sha256(text).toString('base64');
}
