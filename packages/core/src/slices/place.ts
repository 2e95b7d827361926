/**
 * The place of a slot, its guards included: to fill and check a few bytes at a time, which a view and a
 * call for each would make many times dearer.
 */
import { slabOf, slotOf, type SlotRef } from '../memory/layout.js';
import type { SlabTable } from '../memory/slab-table.js';
import { RUN, slabPoolOf, slabStateOf } from '../memory/slab-word.js';

interface SlabView {
  readonly word: number;
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
}

/** Below this, a loop is faster than a call of `fill`. */
const FEW_BYTES = 256;

export class Place {
  readonly #table: SlabTable;
  readonly #views: (SlabView | undefined)[] = [];
  #view!: SlabView;
  #from = 0;
  /** The word of the slab in which it lies. */
  slabWord = 0;

  constructor(table: SlabTable) {
    this.#table = table;
  }

  /** Goes to the slot `ref`, of which `bytes` bytes are in use. */
  at(ref: SlotRef, bytes: number): this {
    const { geometry } = this.#table;
    const slab = slabOf(ref);
    const word = this.#table.slabWord(slab);
    this.slabWord = word;
    const isRun = slabStateOf(word) === RUN;
    this.#from = isRun ? geometry.guard : geometry.offsetOf(slabPoolOf(word), slotOf(ref));
    const known = this.#views[slab];
    if (known?.word === word && !isRun) this.#view = known;
    else {
      const length = isRun ? bytes + 2 * geometry.guard : geometry.slabStride;
      const { buffer, byteOffset } = this.#table.slabBytes(slab, length);
      this.#view = {
        word,
        bytes: new Uint8Array(buffer, byteOffset, length),
        words: new Int32Array(buffer, byteOffset, length >>> 2),
      };
      // The view of a run would keep memory alive that is far larger than a slab.
      this.#views[slab] = isRun ? undefined : this.#view;
    }
    return this;
  }

  /** Fills the bytes from `from` to `to`, counted from the slot's first. */
  fill(from: number, to: number, value: number): void {
    let at = this.#from + from;
    const end = this.#from + to;
    const { bytes, words } = this.#view;
    if (to - from > FEW_BYTES) {
      bytes.fill(value, at, end);
      return;
    }
    for (; at < end && (at & 3) !== 0; at++) bytes[at] = value;
    for (; at + 4 <= end; at += 4) words[at >>> 2] = four(value);
    for (; at < end; at++) bytes[at] = value;
  }

  /** Whether the bytes from `from` to `to`, counted from the slot's first, are all `value`. */
  isAll(from: number, to: number, value: number): boolean {
    let at = this.#from + from;
    const end = this.#from + to;
    const { bytes, words } = this.#view;
    for (; at < end && (at & 3) !== 0; at++) if (bytes[at] !== value) return false;
    for (; at + 4 <= end; at += 4) if (words[at >>> 2] !== four(value)) return false;
    for (; at < end; at++) if (bytes[at] !== value) return false;
    return true;
  }
}

function four(value: number): number {
  return value | (value << 8) | (value << 16) | (value << 24);
}
