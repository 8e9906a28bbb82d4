/** The two ways in which this format turns a file away. Messages are fixed words, never anything out of the file. */
import { Refusal } from '../../base/errors.js';

/** The file breaks the format, or asks for more work than any honest file does. */
export function unreadable(message: string): never {
  throw new Refusal('unreadable', `mp4: ${message}`);
}

/** The file is sound as far as it was read, but is not H.264 with AAC or no sound. `seems` is a fixed phrase. */
export function notSupported(seems: string): never {
  throw new Refusal('type-not-supported', `mp4: expected H.264 video with AAC or no sound, got ${seems}`, { seems });
}
