/**
 * The writing side of a broadcast ring: one thread at a time, and it never waits.
 *
 *   store INTENT ─▶ write the cells ─▶ store TAIL
 *
 * Storing INTENT tells readers that cells are about to be written over, and must come before the first
 * store to them. Storing TAIL publishes the messages. A writer that dies in between has written over
 * the oldest messages, which readers know from INTENT; the messages it was writing are lost, and the
 * next writer goes on from TAIL.
 *
 * INTENT may be stored for several messages at once: then most are written with one atomic store.
 *
 * Source: Agrona's BroadcastTransmitter.
 */
import { MillraceError } from '../errors.js';
import {
  BELL,
  INTENT,
  LENGTH,
  MESSAGE,
  TAIL,
  cellOf,
  type BroadcastRingShape,
} from './broadcast-ring-layout.js';
import { EventCount } from '../sync/event-count.js';
import { loadPosition, storePosition } from './position.js';

export interface BroadcastWriterOptions {
  /**
   * How many messages it announces beside those that it is about to write, up to half of the ring's cells. Most then take one atomic
   * store instead of two and a load, and the ring holds so many fewer.
   *
   * @defaultValue 0
   */
  readonly ahead?: number;
  /** Readers come by themselves: none sleeps, and nobody is rung. @defaultValue false */
  readonly polled?: boolean;
}

/** The writing side of a {@link BroadcastRing}: one thread at a time, and it never waits. */
export class BroadcastWriter {
  readonly #words: Int32Array;
  readonly #at: number;
  readonly #shape: BroadcastRingShape;
  readonly #bell: EventCount;
  readonly #ahead: number;
  readonly #polled: boolean;
  #next: number;
  /** INTENT as stored: a writer that died may have gone further than we are. It must not go back. */
  #intended: number;

  /** For {@link BroadcastRing.writer}. */
  constructor(
    words: Int32Array,
    at: number,
    shape: BroadcastRingShape,
    { ahead = 0, polled = false }: BroadcastWriterOptions,
  ) {
    if (!(Number.isInteger(ahead) && ahead >= 0 && ahead <= shape.cells / 2)) {
      throw new MillraceError(
        'ERR_INVALID_ARG',
        `Cannot announce ${String(ahead)} messages ahead as it must be an integer from 0 to ${shape.cells / 2}, half of the ring's cells`,
      );
    }
    this.#ahead = ahead;
    this.#polled = polled;
    this.#words = words;
    this.#at = at;
    this.#shape = shape;
    this.#bell = new EventCount(words, at + BELL);
    this.#next = loadPosition(words, at + TAIL);
    this.#intended = loadPosition(words, at + INTENT);
    // The last writer may have published, and died before it woke the readers.
    this.#bell.ringAnyway();
  }

  /** How many messages were ever written; the next one gets this position. */
  get position(): number {
    return this.#next;
  }

  /**
   * Writes the first `length` words of `message` as one message, over the oldest one.
   *
   * @throws MillraceError `ERR_SIZE` when it is too long
   */
  write(message: Int32Array, length = message.length): void {
    const { messageWords } = this.#shape;
    const most = Math.min(message.length, messageWords);
    if (!(Number.isInteger(length) && length >= 0 && length <= most)) {
      throw new MillraceError(
        'ERR_SIZE',
        `Cannot write a message of ${length} words as there are ${message.length} and the ring's longest is ${messageWords}`,
      );
    }
    this.#intend(1);
    this.#put(message, 0, length);
    this.#publish();
  }

  /**
   * Writes `count` messages of `messageWords` words each, which lie one after the other in `messages`.
   *
   * @throws MillraceError `ERR_SIZE` when `messages` does not hold so many, or the ring does not
   */
  writeBatch(messages: Int32Array, count: number): void {
    const { cells, messageWords } = this.#shape;
    const most = Math.min(cells, messages.length / messageWords);
    if (!(Number.isInteger(count) && count >= 0 && count <= most)) {
      throw new MillraceError(
        'ERR_SIZE',
        `Cannot write ${count} messages of ${messageWords} words as the array holds ${messages.length} words and the ring ${cells} messages`,
      );
    }
    this.#intend(count);
    for (let i = 0; i < count; i++) this.#put(messages, i * messageWords, messageWords);
    this.#publish();
  }

  #intend(count: number): void {
    const end = this.#next + count;
    // Announced before, and fenced: by us, or by a writer that died, whose INTENT we have loaded.
    if (end <= this.#intended) return;
    const words = this.#words;
    const intentAt = this.#at + INTENT;
    this.#intended = end + this.#ahead;
    storePosition(words, intentAt, this.#intended);
    // A fence: an atomic store alone does not keep plain stores after it from overtaking it on ARM, but an
    // atomic load does, and does not itself overtake the store. Readers must see INTENT before any change.
    Atomics.load(words, intentAt);
  }

  #put(messages: Int32Array, from: number, length: number): void {
    const words = this.#words;
    const cell = this.#at + cellOf(this.#shape, this.#next);
    words[cell + LENGTH] = length;
    for (let i = 0; i < length; i++) words[cell + MESSAGE + i] = messages[from + i]!;
    this.#next++;
  }

  #publish(): void {
    // Publishes the cells before this position to readers.
    storePosition(this.#words, this.#at + TAIL, this.#next);
    if (!this.#polled) this.#bell.ring();
  }
}
