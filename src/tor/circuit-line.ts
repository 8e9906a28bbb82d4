/**
 * The line that tor writes first on each stream of a service with `HiddenServiceExportCircuitID haproxy`.
 *
 *   "PROXY TCP6 fc00:dead:beef:4dad::" ‖ hex(id >> 16) ‖ ":" ‖ hex(id & 0xffff) ‖ " ::1 " ‖ port ‖ " " ‖ virtual port ‖ CRLF
 *
 * `hex` is lower case without leading zeros; `port` is `id & 0xffff`, or 1 where that is 0; numbers are decimal without
 * leading zeros. `id` is what the control port calls the circuit. Measured on tor 0.4.9.11 and read from its source
 * (`export_hs_client_circuit_id`). It is parsed to the letter: a line that differs is not tor's.
 */
import type { Brand } from '../base/brand.js';

/** A circuit as tor's control port knows it, 1 to 2^32 - 1. It names a rendezvous for minutes, never a person. */
export type CircuitId = Brand<number, 'CircuitId'>;

/** The longest line there is, with its CRLF: `...::ffff:ffff ::1 65535 65535`. */
export const MAX_LINE_BYTES = 59;

const LF = 0x0a;
const HEX = '(0|[1-9a-f][0-9a-f]{0,3})';
const DECIMAL = '([1-9][0-9]{0,4})';
const LINE = new RegExp(`^PROXY TCP6 fc00:dead:beef:4dad::${HEX}:${HEX} ::1 ${DECIMAL} ${DECIMAL}\r\n$`);
const MAX_PORT = 65535;

/** What is known after some bytes: more are needed, it is not tor's line, or whose it is and where the rest begins. */
export type CircuitLine =
  | { readonly kind: 'more' }
  | { readonly kind: 'malformed' }
  | { readonly kind: 'circuit'; readonly circuit: CircuitId; readonly length: number };

const MORE: CircuitLine = { kind: 'more' };
const MALFORMED: CircuitLine = { kind: 'malformed' };

export function readCircuitLine(bytes: Buffer): CircuitLine {
  const end = bytes.subarray(0, MAX_LINE_BYTES).indexOf(LF);
  if (end < 0) return bytes.length < MAX_LINE_BYTES ? MORE : MALFORMED;
  const match = LINE.exec(bytes.toString('latin1', 0, end + 1));
  if (match === null) return MALFORMED;
  const [, high = '', low = '', sourcePort = '', virtualPort = ''] = match;
  const lowBits = parseInt(low, 16);
  const circuit = parseInt(high, 16) * 0x1_0000 + lowBits;
  const portFits = Number(sourcePort) === (lowBits === 0 ? 1 : lowBits) && Number(virtualPort) <= MAX_PORT;
  return circuit > 0 && portFits ? { kind: 'circuit', circuit: circuit as CircuitId, length: end + 1 } : MALFORMED;
}
