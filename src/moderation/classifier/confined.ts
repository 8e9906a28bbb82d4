/** The classifier within the strongest walls that this machine has: those of the decoder's children, with bounds of its own. */
import { HOUR, MiB } from '../../base/units.js';
import { findConfiner } from '../../media/decoder/confine.js';
import { DEFAULT_LIMITS } from '../../media/decoder/limits.js';
import type { ClassifierOptions } from './classifier.js';

/** An engine, a model of up to 512 MiB in it, and a picture. The child is ended after a quiet minute, so its CPU time is long. */
const LIMITS = { ...DEFAULT_LIMITS, memoryBytes: 2048 * MiB, cpuMilliseconds: HOUR };

/** `modelFile` null = no model; then nothing is tried. */
export async function confinedClassifier(modelFile: string | null): Promise<ClassifierOptions> {
  if (modelFile === null) return { modelFile };
  const { confine } = await findConfiner(LIMITS);
  return { modelFile, confine };
}
