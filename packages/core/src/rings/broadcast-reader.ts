/**
 * A reading side of a broadcast ring. There may be any number; they write nothing, and nobody waits
 * for them.
 *
 *   load TAIL ─▶ copy the cell ─▶ load INTENT: is what was copied still whole?
 *
 * The writer may write over a cell while it is copied. It stores INTENT before it does: a copy after
 * which INTENT is at most one ring ahead is whole. Any other copy is thrown away, and the reader is
 * told how many messages it missed. So plain loads race with plain stores here on purpose, and what
 * they return is used only once it is known to be whole.
 *
 * Source: Agrona's BroadcastReceiver; H.-J. Boehm, "Can seqlocks get along with programming language
 * memory models?", MSPC 2012, for the fence.
 */
import { MillraceError } from '../errors.js';
import {
  BELL,
  FIRST,
  INTENT,
  LENGTH,
  MESSAGE,
  TAIL,
  cellOf,
  type BroadcastRingShape,
} from './broadcast-ring-layout.js';
import { EventCount } from '../sync/event-count.js';
import type { WaitOptions, WaitSyncOptions } from '../sync/patience.js';
import type { SyncOptions } from '../sync/waiter.js';
import { loadPosition } from './position.js';

/** A reading side of a {@link BroadcastRing}: it writes nothing, and nobody waits for it. */
export class BroadcastReader {
  readonly #words: Int32Array;
  readonly #at: number;
  readonly #shape: BroadcastRingShape;
  readonly #bell: EventCount;
  /** A word of nobody else's, see {@link BroadcastReader.#isWhole}. */
  readonly #fence = new Int32Array(1);
  #next: number;
  /** TAIL as it was last seen. */
  #tail: number;
  #missed = 0;

  /** For {@link BroadcastRing.reader}. */
  constructor(
    words: Int32Array,
    at: number,
    shape: BroadcastRingShape,
    from: 'newest' | 'oldest',
    options: SyncOptions = {},
  ) {
    this.#words = words;
    this.#at = at;
    this.#shape = shape;
    this.#bell = new EventCount(words, at + BELL, options);
    this.#tail = loadPosition(words, at + TAIL);
    this.#next = this.#tail;
    if (from === 'oldest') {
      this.#next = Math.max(loadPosition(words, at + FIRST), Math.min(this.#tail, this.#oldest()));
    }
  }

  /** The position of the message read next: how many were ever written before it. */
  get position(): number {
    return this.#next;
  }

  /** How many messages were written over before this reader came to read them. */
  get missed(): number {
    return this.#missed;
  }

  /**
   * Copies the next message into the beginning of `target`. When it and others were written over,
   * {@link missed} grows, and reading goes on in the middle of what the ring still holds, so that the
   * writer is not right behind again.
   *
   * @param target must have room for `messageWords` words
   * @returns how many words the message has, or −1 when there is none
   * @throws MillraceError `ERR_SIZE` when `target` is too small
   */
  read(target: Int32Array): number {
    const { messageWords } = this.#shape;
    if (target.length < messageWords) {
      throw new MillraceError(
        'ERR_SIZE',
        `Cannot read a message of up to ${messageWords} words into ${target.length}`,
      );
    }
    while (this.#hasNews()) {
      const length = this.#copy(target);
      if (this.#isWhole()) {
        this.#next++;
        return length;
      }
      this.#skip();
    }
    return -1;
  }

  /** Waits until there is something to read; false when the time was up first. */
  wait(options?: WaitOptions): Promise<boolean> {
    return this.#bell.wait(() => this.#hasNews(), options);
  }

  /** Like {@link wait}, for threads that may block. */
  waitSync(options?: WaitSyncOptions): boolean {
    return this.#bell.waitSync(() => this.#hasNews(), options);
  }

  /** @returns the length as it was found, never more than the longest there can be */
  #copy(target: Int32Array): number {
    const words = this.#words;
    const cell = this.#at + cellOf(this.#shape, this.#next);
    const length = Math.min(words[cell + LENGTH]! >>> 0, this.#shape.messageWords);
    for (let i = 0; i < length; i++) target[i] = words[cell + MESSAGE + i]!;
    return length;
  }

  #isWhole(): boolean {
    // A fence: on ARM a plain load may be overtaken by an atomic load after it, but not by an atomic
    // store, and that not by the load. What was copied must have been loaded before INTENT is.
    Atomics.store(this.#fence, 0, 0);
    return this.#next >= this.#oldest();
  }

  #hasNews(): boolean {
    if (this.#next !== this.#tail) return true;
    // TAIL publishes the cells before it.
    this.#tail = loadPosition(this.#words, this.#at + TAIL);
    return this.#next !== this.#tail;
  }

  #skip(): void {
    this.#tail = loadPosition(this.#words, this.#at + TAIL);
    const middle = this.#tail - this.#shape.cells / 2;
    const next = Math.min(this.#tail, Math.max(middle, this.#oldest()));
    this.#missed += next - this.#next;
    this.#next = next;
  }

  /** The oldest position that no write has begun to overwrite. */
  #oldest(): number {
    return loadPosition(this.#words, this.#at + INTENT) - this.#shape.cells;
  }
}
