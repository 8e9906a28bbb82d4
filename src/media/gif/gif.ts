/**
 * GIF, still and animated, scrubbed by allow-list (GIF89a).
 *
 *   header ‖ screen ‖ colours ‖ (loop count | (graphic control)? ‖ image)* ‖ trailer
 *
 * What holds: images are copied as they are, with their delays and disposal; their LZW codes are walked, and what stands
 * behind the end of a frame's codes in its sub-blocks goes. Of application blocks only the loop count is kept, written
 * anew. Comments, plain text, other blocks, graphic controls of no image and everything behind the trailer go.
 * What doesn't hold: colours of a table that no pixel uses stay.
 * Memory: one window, one table of code lengths.
 */
import type { ByteSource } from '../../base/source.js';
import { tallyXmp } from '../descriptive.js';
import { Plan } from '../plan.js';
import { RemovedTally } from '../removed.js';
import type { Scrubbing } from '../scrub.js';
import { unreadable } from '../unreadable.js';
import { Window } from '../window.js';
import { CodeWalk } from './lzw.js';
import { skipBlocks, walkBlocks } from './block.js';

const SCREEN_END = 13;
const IMAGE = 0x2c;
const EXTENSION = 0x21;
const TRAILER = 0x3b;
const GRAPHIC_CONTROL = 0xf9;
const COMMENT = 0xfe;
const PLAIN_TEXT = 0x01;
const APPLICATION = 0xff;
/** Introducer, label, size 4, content, terminator. */
const CONTROL_LENGTH = 8;
/** Blocks in all, each of which adds at most three stretches to the plan. */
const MAX_BLOCKS = 200_000;
const LOOK = 64 * 1024;

export async function scrubGif(source: ByteSource): Promise<Scrubbing> {
  const window = new Window(source);
  try {
    return await new GifScrub(window).run();
  } finally {
    window.close();
  }
}

class GifScrub {
  readonly #window: Window;
  readonly #plan = new Plan();
  readonly #tally = new RemovedTally();
  #control: Buffer | null = null;
  #controlAt = 0;
  #loops = false;
  #images = 0;
  #blocks = 0;
  #width = 0;
  #height = 0;

  constructor(window: Window) {
    this.#window = window;
  }

  async run(): Promise<Scrubbing> {
    let at = await this.#screen();
    for (let end = false; !end;) [at, end] = await this.#block(at);
    if (this.#images === 0) throw unreadable('no image');
    if (this.#control !== null) this.#tally.add('unreferenced-data');
    if (at < this.#window.size) this.#tally.add('trailing-data');
    this.#plan.bytes(Buffer.from([TRAILER]));
    const [width, height] = [this.#width, this.#height];
    return { type: 'image/gif', plan: this.#plan, removed: this.#tally.counts, width, height };
  }

  async #screen(): Promise<number> {
    const head = await this.#window.bytes(0, SCREEN_END);
    if (!/^GIF8[79]a$/.test(head.toString('latin1', 0, 6))) throw unreadable('no GIF signature');
    [this.#width, this.#height] = [head.readUInt16LE(6), head.readUInt16LE(8)];
    const end = SCREEN_END + tableLength(head.readUInt8(10));
    await this.#window.bytes(SCREEN_END, end - SCREEN_END);
    this.#plan.copy(0, end);
    return end;
  }

  /** Reads one block; says where the next begins, and whether this was the last. */
  async #block(at: number): Promise<[number, boolean]> {
    if (++this.#blocks > MAX_BLOCKS) throw unreadable('too many blocks');
    const [introducer, label] = await this.#window.upTo(at, 2);
    if (introducer === undefined) return [at, true]; // No trailer: every decoder shows what came before.
    if (introducer === TRAILER) return [at + 1, true];
    if (introducer === IMAGE) return [await this.#image(at), false];
    if (introducer === EXTENSION && label !== undefined) return [await this.#extension(at, label), false];
    if (introducer === 0) return [await this.#zeros(at), false];
    if (this.#images === 0) throw unreadable('no block where one must begin');
    return [at, true];
  }

  /** Some encoders leave zeros between blocks, which decoders pass over. */
  async #zeros(at: number): Promise<number> {
    this.#tally.add('unreferenced-data');
    for (let bytes = await this.#window.rest(at); bytes.length > 0; bytes = await this.#window.rest(at)) {
      const next = bytes.findIndex((byte) => byte !== 0);
      if (next >= 0) return at + next;
      at += bytes.length;
    }
    return at;
  }

  /** Introducer, left, top, width, height, flags; then the table of colours, the code size and the codes. */
  async #image(at: number): Promise<number> {
    const head = await this.#window.bytes(at, 10);
    const [width, height] = [head.readUInt16LE(5), head.readUInt16LE(7)];
    if (width === 0 || height === 0) throw unreadable('an image without size');
    if (this.#width === 0 || this.#height === 0) [this.#width, this.#height] = [width, height];
    const codes = at + 10 + tableLength(head.readUInt8(9));
    const minimum = (await this.#window.bytes(codes, 1)).readUInt8(0);
    this.#emitControl();
    this.#plan.copy(at, codes + 1 - at);
    this.#images++;
    const walked = await walkBlocks(this.#window, codes + 1, new CodeWalk(minimum, width * height));
    this.#plan.copy(codes + 1, walked.keptEnd - codes - 1).bytes(walked.tail);
    if (walked.surplus) this.#tally.add('unreferenced-data');
    return walked.end;
  }

  async #extension(at: number, label: number): Promise<number> {
    const content = at + 2;
    switch (label) {
      case GRAPHIC_CONTROL:
        await this.#graphicControl(at);
        break;
      case APPLICATION:
        await this.#application(content);
        break;
      case COMMENT:
      case PLAIN_TEXT:
        this.#tally.add('comment');
        break;
      default:
        this.#tally.add('unknown-block');
    }
    return skipBlocks(this.#window, content);
  }

  /** Of several before one image the last counts. */
  async #graphicControl(at: number): Promise<void> {
    const block = await this.#window.upTo(at, CONTROL_LENGTH);
    if (this.#control !== null || block[2] !== 4 || block.length < CONTROL_LENGTH) this.#tally.add('unreferenced-data');
    if (block[2] !== 4 || block.length < CONTROL_LENGTH) return;
    if (block[7] !== 0) this.#tally.add('unreferenced-data');
    this.#control = Buffer.concat([block.subarray(0, 7), Buffer.alloc(1)]);
    this.#controlAt = block[7] === 0 ? at : -1;
  }

  #emitControl(): void {
    if (this.#control === null) return;
    if (this.#controlAt >= 0) this.#plan.copy(this.#controlAt, CONTROL_LENGTH);
    else this.#plan.bytes(this.#control);
    this.#control = null;
  }

  async #application(at: number): Promise<void> {
    const block = await this.#window.upTo(at, 12 + 5);
    const name = block.toString('latin1', 1, 12);
    const loops = block[12] === 3 && block[13] === 1 && block.length >= 16;
    if ((name === 'NETSCAPE2.0' || name === 'ANIMEXTS1.0') && loops && !this.#loops) {
      this.#loops = true;
      if (block[16] !== 0) this.#tally.add('unreferenced-data');
      const loop = Buffer.from([EXTENSION, APPLICATION, 11, ...Buffer.from('NETSCAPE2.0'), 3, 1, 0, 0, 0]);
      block.copy(loop, 16, 14, 16);
      this.#plan.bytes(loop);
    } else if (name === 'XMP DataXMP') {
      tallyXmp(await this.#window.upTo(at + 12, LOOK), this.#tally);
    } else {
      this.#tally.add('unknown-block');
    }
  }
}

/** Bytes of the table of colours that `flags` announce. */
function tableLength(flags: number): number {
  return (flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 7) + 1);
}
