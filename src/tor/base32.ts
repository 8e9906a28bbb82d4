/** Base32 (RFC 4648, section 6) in lower case without padding, as tor writes addresses and keys. */
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
const BITS_PER_CHARACTER = 5;

export function encodeBase32(bytes: Uint8Array): string {
  let text = '';
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = (value << 8) | byte;
    bits += 8;
    for (; bits >= BITS_PER_CHARACTER; bits -= BITS_PER_CHARACTER) {
      text += ALPHABET.charAt((value >>> (bits - BITS_PER_CHARACTER)) & 31);
    }
    value &= (1 << bits) - 1;
  }
  return bits === 0 ? text : text + ALPHABET.charAt((value << (BITS_PER_CHARACTER - bits)) & 31);
}

/**
 * The bytes of `text`, in either case, or `null`. Only the one text that `encodeBase32` would write is taken: a
 * character too many, or a bit set in the unused end, would give one key two names.
 */
export function decodeBase32(text: string): Buffer | null {
  const bytes: number[] = [];
  let bits = 0;
  let value = 0;
  for (const character of text.toLowerCase()) {
    const digit = ALPHABET.indexOf(character);
    if (digit < 0) return null;
    value = (value << BITS_PER_CHARACTER) | digit;
    bits += BITS_PER_CHARACTER;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push(value >>> bits);
    value &= (1 << bits) - 1;
  }
  return bits < BITS_PER_CHARACTER && value === 0 ? Buffer.from(bytes) : null;
}
