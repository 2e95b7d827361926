/**
 * The place of a slot, its guards included: to set and check a few bytes at a time, which a view and a
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

/** So many bytes lie in an edge. */
export const EDGE_BYTES = 16;

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

  /** Sets the bytes from `from` to `to`, counted from the slot's first, to `value`. */
  fill(from: number, to: number, value: number): void {
    this.#view.bytes.fill(value, this.#from + from, this.#from + to);
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

  /** The same as {@link fill} for the edge at `from`. Written out, as loops that run seldom run badly. */
  setEdge(from: number, value: number): void {
    const at = this.#from + from;
    if ((at & 3) !== 0) {
      this.fill(from, from + EDGE_BYTES, value);
      return;
    }
    const { words } = this.#view;
    const first = at >>> 2;
    words[first] = four(value);
    words[first + 1] = four(value);
    words[first + 2] = four(value);
    words[first + 3] = four(value);
  }

  /** The same as {@link isAll} for the edge at `from`. */
  isEdge(from: number, value: number): boolean {
    const at = this.#from + from;
    if ((at & 3) !== 0) return this.isAll(from, from + EDGE_BYTES, value);
    const { words } = this.#view;
    const first = at >>> 2;
    const differing =
      (words[first]! ^ four(value)) |
      (words[first + 1]! ^ four(value)) |
      (words[first + 2]! ^ four(value)) |
      (words[first + 3]! ^ four(value));
    return differing === 0;
  }
}

function four(value: number): number {
  return value | (value << 8) | (value << 16) | (value << 24);
}
