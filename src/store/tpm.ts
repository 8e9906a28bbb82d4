/**
 * The five commands that a slot in a TPM 2.0 needs, in the TCG's own byte layout ("TPM 2.0 Library", Part 2 for the
 * structures, Part 3 for the commands; section names stand at each function). No library and no child process: a command
 * is under 100 bytes.
 *
 * What holds, and why: an index is not `ORDERLY`, so the TPM answers a write only when it stands in non-volatile memory;
 * it is `WRITEALL`, so that no write changes a part of it; `NO_DA`, so that a locked-out owner locks out nothing here.
 *
 * What does not hold: that others who may use the device can't read an index. Its password is empty, for `panic` must need
 * no key; 32 bytes of it are worth nothing without the root key.
 */
import { secretBytes, wipe } from '../base/bytes.js';
import { Reader, Writer } from '../base/cursor.js';

/** Sends one command and gives back its answer, header and all. The command is the caller's; the answer too. */
export type Exchange = (command: Buffer) => Promise<Buffer>;

/** The TPM's answer to a command that it did not carry out. */
export class TpmRefusal extends Error {
  /** TPM_RC, with the numbers of handles and parameters taken out. */
  readonly code: number;

  constructor(code: number) {
    super(`the TPM answered 0x${code.toString(16)}`);
    this.name = 'TpmRefusal';
    this.code = code;
  }
}

/** Part 2, TPM_RC: format 1 codes without their numbers, others as they are. */
export const RC = {
  badAuth: 0xa2,
  authFail: 0x8e,
  handle: 0x8b,
  notStarted: 0x100,
  authUnavailable: 0x12f,
  full: 0x14b,
  defined: 0x14c,
} as const;

/** Part 2, TPM_RC_YIELDED, TESTING, NV_RATE, RETRY, NV_UNAVAILABLE: ask again later. */
const LATER: readonly number[] = [0x908, 0x90a, 0x920, 0x922, 0x923];
const FORMAT_1 = 0x80;
const FORMAT_1_CODE = 0xbf;

const NO_SESSIONS = 0x8001;
const SESSIONS = 0x8002;
const HEADER = 2 + 4 + 4;
const OWNER = 0x40000001;
const PASSWORD_SESSION = 0x40000009;
const SHA256 = 0x000b;
const COMMAND = {
  undefine: 0x122,
  define: 0x12a,
  write: 0x137,
  read: 0x14e,
  capability: 0x17a,
  public: 0x169,
} as const;

/** Part 2, TPMA_NV: AUTHWRITE, WRITEALL, AUTHREAD, NO_DA. */
const ATTRIBUTES = (1 << 2) | (1 << 12) | (1 << 18) | (1 << 25);
/** Part 2, TPMA_NV_WRITTEN: set by the TPM itself. */
const WRITTEN = 1 << 29;

/** TPM2_NV_DefineSpace. Throws `TpmRefusal`: `defined` where it is there already, `full` where there is no room. */
export async function defineIndex(exchange: Exchange, index: number, size: number): Promise<void> {
  const parameters = secretBytes(2 + 2 + 14);
  new Writer(parameters).u16(0).u16(14).u32(index).u16(SHA256).u32(ATTRIBUTES).u16(0).u16(size);
  await call(exchange, COMMAND.define, [OWNER], parameters, nothing);
}

/** TPM2_NV_UndefineSpace. */
export async function undefineIndex(exchange: Exchange, index: number): Promise<void> {
  await call(exchange, COMMAND.undefine, [OWNER, index], null, nothing);
}

/** TPM2_NV_Write of all of an index. Resolves when it is in non-volatile memory. `bytes` is only read. */
export async function writeIndex(exchange: Exchange, index: number, bytes: Uint8Array): Promise<void> {
  const parameters = secretBytes(2 + bytes.length + 2);
  new Writer(parameters).u16(bytes.length).bytes(bytes).u16(0);
  await call(exchange, COMMAND.write, [index, index], parameters, nothing);
}

/** TPM2_NV_Read of all of an index into `into`. */
export async function readIndex(exchange: Exchange, index: number, into: Buffer): Promise<void> {
  const parameters = secretBytes(4);
  new Writer(parameters).u16(into.length).u16(0);
  await call(exchange, COMMAND.read, [index, index], parameters, (from) => {
    from.skip(4);
    from.bytes(from.u16()).copy(into);
  });
}

/** TPM2_NV_ReadPublic: null = not defined. `ours` = with the attributes that `defineIndex` gives, and no lock. */
export async function indexPublic(exchange: Exchange, index: number): Promise<{ size: number; ours: boolean } | null> {
  try {
    return await call(exchange, COMMAND.public, [index], null, (from) => {
      from.skip(2 + 4 + 2);
      const attributes = from.u32();
      const policy = from.u16();
      from.skip(policy);
      return { size: from.u16(), ours: (attributes & ~WRITTEN) === ATTRIBUTES && policy === 0 };
    });
  } catch (error) {
    if (error instanceof TpmRefusal && error.code === RC.handle) return null;
    throw error;
  }
}

/** TPM2_GetCapability, TPM_PT_MANUFACTURER: four letters, spaces at their end left out. */
export async function manufacturer(exchange: Exchange): Promise<string> {
  const parameters = secretBytes(12);
  new Writer(parameters).u32(6).u32(0x105).u32(1);
  return call(exchange, COMMAND.capability, [], parameters, (from) => {
    from.skip(1 + 4 + 4 + 4);
    return from
      .bytes(4)
      .toString('latin1')
      .replace(/[^A-Za-z0-9]/g, '');
  });
}

function nothing(): void {
  // The answer says no more than that it was done.
}

/** A command whose handles are authorised by empty passwords; `parameters` is wiped. */
async function call<T>(
  exchange: Exchange,
  code: number,
  handles: readonly number[],
  parameters: Buffer | null,
  parse: (answer: Reader) => T,
): Promise<T> {
  const command = commandOf(code, handles, parameters ?? secretBytes(0));
  wipe(parameters);
  try {
    return await answered(exchange, command, parse);
  } finally {
    wipe(command);
  }
}

function commandOf(code: number, handles: readonly number[], parameters: Buffer): Buffer {
  const authorised = code !== COMMAND.public && code !== COMMAND.capability;
  const session = authorised ? 4 + 9 : 0;
  const command = secretBytes(HEADER + 4 * handles.length + session + parameters.length);
  const to = new Writer(command)
    .u16(authorised ? SESSIONS : NO_SESSIONS)
    .u32(command.length)
    .u32(code);
  for (const handle of handles) to.u32(handle);
  // Part 1, "Password Authorizations": no nonce, no attributes, the empty password.
  if (authorised) to.u32(9).u32(PASSWORD_SESSION).u16(0).u8(0).u16(0);
  to.bytes(parameters);
  return command;
}

const PAUSE = 50;
/** A TPM that spares its memory says NV_RATE for some seconds at most. */
const MOST_PAUSES = 600;

async function answered<T>(exchange: Exchange, command: Buffer, parse: (answer: Reader) => T): Promise<T> {
  for (let pauses = 0; ; pauses++) {
    const answer = await exchange(command);
    try {
      const from = new Reader(answer);
      from.skip(2 + 4);
      const rc = from.u32();
      if (rc === 0) return parse(from);
      if (!LATER.includes(rc) || pauses === MOST_PAUSES) {
        throw new TpmRefusal((rc & FORMAT_1) === 0 ? rc : rc & FORMAT_1_CODE);
      }
    } finally {
      wipe(answer);
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}
