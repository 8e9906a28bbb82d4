/** What `doctor` and strict mode say of slots that live in a TPM. */
import type { Configuration } from '../config/configuration.js';
import type { TpmPlace } from '../config/environment.js';
import { StoreFault } from '../base/errors.js';
import { isSocket, tpmAt } from '../store/tpm-device.js';
import { asking, TPM_ROUNDS } from '../store/tpm-slots.js';
import { indexPublic, manufacturer } from '../store/tpm.js';
import type { Finding } from './checks.js';

/** TPM_PT_MANUFACTURER of TPMs that are programs: swtpm, the TCG's own, VMware's, Google's and Amazon's. */
const SIMULATED: readonly string[] = ['IBM', 'SW', 'VMW', 'GOOG', 'AMZN'];
const YEAR = 365.25 * 24 * 3600;

/** Asks the TPM who made it, and whether the slots are there. Changes nothing. */
export async function tpmFinding(
  place: TpmPlace,
  { rollSeconds }: Pick<Configuration, 'rollSeconds'>,
): Promise<Finding> {
  const name = 'slots';
  const exchange = tpmAt(place.device);
  try {
    const maker = await asking('slot', 'look at', () => manufacturer(exchange));
    const there = (await asking('slot.a', 'look at', () => indexPublic(exchange, place.index))) !== null;
    if (SIMULATED.includes(maker) || (await isSocket(place.device))) {
      const todo = 'use a machine with a TPM of its own, or a slot in RAM (CHATPIC_SLOT_DIR)';
      return { name, state: 'refuse', says: `${maker} is a program: its host may keep copies of its memory`, todo };
    }
    const years = Math.floor((TPM_ROUNDS * rollSeconds) / YEAR);
    const says = `${there ? 'in' : 'not made yet, in'} the TPM (${maker}), made for ${years} years of rounds ${rollSeconds} s apart`;
    return { name, state: 'good', says, todo: '' };
  } catch (error) {
    if (!(error instanceof StoreFault)) throw error;
    return { name, state: 'refuse', says: error.message, todo: error.remedy };
  }
}
