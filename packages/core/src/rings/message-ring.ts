/**
 * A message ring: a bounded queue of short messages for any number of producers and consumers.
 *
 *   | … FREE … | READING by 5 | PUBLISHED … | CLAIMED by 7 | PUBLISHED | … FREE … |
 *                              HEAD                                    TAIL
 *
 * A message is up to `messageWords` words. Bytes travel in slices; their handles travel here. How cells
 * pass from hand to hand stands in `message-cells.ts`; the words are drawn in `message-ring-layout.ts`.
 *
 * What must hold: each message comes out once, those of one producer in the order in which it pushed
 * them. A thread that dies between claim and publish, or between claim and free, stalls the ring there
 * until {@link MessageRing.reclaim}. Lost is what it had claimed: the messages of one push, or of one
 * pop, and nothing else.
 *
 * Source: D. Vyukov's bounded MPMC queue (one sequence word a cell); runs of cells, claims that name their
 * owner and size, and the help to move the index on are ours.
 */
import { MillraceError } from '../errors.js';
import { MAX_THREADS } from '../memory/layout.js';
import type { ThreadId } from '../threads/registry.js';
import { EventCount } from '../sync/event-count.js';
import type { WaitOptions, WaitSyncOptions } from '../sync/patience.js';
import type { SyncOptions } from '../sync/waiter.js';
import { MessageCells } from './message-cells.js';
import {
  CELLS,
  CLAIMED,
  FEWEST_CELLS,
  HEAD,
  MESSAGE,
  MESSAGES_BELL,
  MOST_CELLS,
  ORPHANED,
  READING,
  ROOM_BELL,
  TAIL,
  VOIDED,
  countOf,
  kindOf,
  type MessageRingShape,
} from './message-ring-layout.js';
import { sweepMessages } from './message-sweep.js';

/** What a message ring holds, and what it lost. Positions are modulo 2^32. */
export interface MessageRingStats {
  readonly head: number;
  readonly tail: number;
  /** Cells by state. */
  readonly free: number;
  readonly claimed: number;
  readonly published: number;
  readonly reading: number;
  /** Messages that were never published as their producer died. */
  readonly voided: number;
  /** Messages that consumers had claimed when they died. */
  readonly orphaned: number;
}

/**
 * A bounded queue of short messages for any number of producers and consumers, which survives the
 * death of any of them: {@link MessageRing.reclaim}. It is lock-free.
 *
 * Source: D. Vyukov's bounded MPMC queue, with claims that name their owner.
 */
export class MessageRing {
  readonly #words: Int32Array;
  readonly #at: number;
  readonly #cells: MessageCells;
  readonly #messagesBell: EventCount;
  readonly #roomBell: EventCount;

  /** How many words a ring of this shape takes. */
  static words({ cells, messageWords }: MessageRingShape): number {
    return CELLS + cells * (MESSAGE + messageWords);
  }

  /**
   * A ring over shared memory, as `thread` sees it; zeroed words are an empty one.
   *
   * @param at where in `words` the ring's {@link MessageRing.words} begin; best a multiple of 32
   * @throws MillraceError `ERR_INVALID_ARG` when the shape, the place or the thread is out of range
   */
  constructor(
    words: Int32Array,
    at: number,
    shape: MessageRingShape,
    thread: ThreadId,
    options: SyncOptions = {},
  ) {
    const { cells, messageWords } = shape;
    check('cells', cells, FEWEST_CELLS, MOST_CELLS);
    check('messageWords', messageWords, 1, 2 ** 16);
    check('thread', thread, 1, MAX_THREADS - 1);
    check('at', at, 0, words.length - MessageRing.words(shape));
    if ((cells & (cells - 1)) !== 0) {
      throw new MillraceError(
        'ERR_INVALID_ARG',
        `Cannot make a message ring of ${cells} cells as that is no power of two`,
      );
    }
    this.#words = words;
    this.#at = at;
    this.#cells = new MessageCells(words, at, shape, thread);
    this.#messagesBell = new EventCount(words, at + MESSAGES_BELL, options);
    this.#roomBell = new EventCount(words, at + ROOM_BELL, options);
  }

  /** How many messages it can hold. */
  get cells(): number {
    return this.#cells.cells;
  }

  /** Words of the longest message. */
  get messageWords(): number {
    return this.#cells.messageWords;
  }

  /**
   * Adds one message: the first `length` words of `message`.
   *
   * @returns false when the ring is full
   * @throws MillraceError `ERR_SIZE` when there are not so many, or it is too long
   */
  push(message: Int32Array, length = message.length): boolean {
    const cells = this.#cells;
    const most = Math.min(message.length, cells.messageWords);
    if (!(Number.isInteger(length) && length >= 0 && length <= most)) {
      throw new MillraceError(
        'ERR_SIZE',
        `Cannot push a message of ${length} words as there are ${message.length} and the ring's longest is ${cells.messageWords}`,
      );
    }
    if (cells.claimRoom(1) === 0) return false;
    cells.fill(cells.start, 1, message, length);
    this.#messagesBell.ring();
    return true;
  }

  /**
   * Adds up to `count` messages of `messageWords` words each, which lie one after the other in
   * `messages`, in order and with one claim.
   *
   * @returns how many there was room for, at most 1,023
   * @throws MillraceError `ERR_SIZE` when `messages` does not hold so many
   */
  pushBatch(messages: Int32Array, count: number): number {
    const cells = this.#cells;
    this.#checkBatch(messages, count);
    const claimed = count > 0 ? cells.claimRoom(count) : 0;
    if (claimed === 0) return 0;
    cells.fill(cells.start, claimed, messages, cells.messageWords);
    this.#messagesBell.ring();
    return claimed;
  }

  /**
   * Takes one message into the beginning of `target`, which must have room for `messageWords` words.
   *
   * @returns how many words it has, or −1 when the ring is empty
   * @throws MillraceError `ERR_SIZE` when `target` is too small
   */
  pop(target: Int32Array): number {
    const cells = this.#cells;
    this.#checkBatch(target, 1);
    while (cells.claimMessages(1) > 0) {
      const { start } = cells;
      const length = cells.copy(start, target, 0);
      cells.free(start, 1);
      this.#roomBell.ring();
      // Else it is void: look for another.
      if (length >= 0) return length;
    }
    return -1;
  }

  /**
   * Takes up to `count` messages with one claim. They come to lie in `target` in order, each in
   * `messageWords` words; of a shorter one the rest is left as it was.
   *
   * @param lengths receives how many words each has
   * @returns how many there were, at most 1,023
   * @throws MillraceError `ERR_SIZE` when `target` has no room for so many
   */
  popBatch(target: Int32Array, count: number, lengths?: Int32Array): number {
    const cells = this.#cells;
    this.#checkBatch(target, count);
    // All of a claim can be void: only a claim of nothing means that the ring is empty.
    for (;;) {
      const claimed = count > 0 ? cells.claimMessages(count) : 0;
      if (claimed === 0) return 0;
      const taken = cells.empty(cells.start, claimed, target, lengths);
      this.#roomBell.ring();
      if (taken > 0) return taken;
    }
  }

  /** Waits until there is something to pop; it may be gone again by then. False when the time was up. */
  waitForMessages(options?: WaitOptions): Promise<boolean> {
    return this.#messagesBell.wait(() => this.#cells.has(READING), options);
  }

  /** Like {@link waitForMessages}, for threads that may block. */
  waitForMessagesSync(options?: WaitSyncOptions): boolean {
    return this.#messagesBell.waitSync(() => this.#cells.has(READING), options);
  }

  /** Waits until there is room for a message; it may be gone again by then. False when the time was up. */
  waitForRoom(options?: WaitOptions): Promise<boolean> {
    return this.#roomBell.wait(() => this.#cells.has(CLAIMED), options);
  }

  /** Like {@link waitForRoom}, for threads that may block. */
  waitForRoomSync(options?: WaitSyncOptions): boolean {
    return this.#roomBell.waitSync(() => this.#cells.has(CLAIMED), options);
  }

  /**
   * Ends the claims that the dead `thread` left behind, for the one who sweeps it. Others may push and
   * pop meanwhile. To be called again, by the next sweeper, if this one dies over it.
   *
   * The messages of a push that was not finished are lost: consumers pass over them. Those of a pop
   * that was not finished are whole; the thread may have used any number of them.
   *
   * @param orphan called with each message of that unfinished pop: a copy. Without it they are lost.
   *   It must not throw, and sees them again if the sweeper dies over it
   */
  reclaim(thread: ThreadId, orphan?: (message: Int32Array) => void): void {
    sweepMessages(this.#cells, thread, orphan);
    // Anyway: the dead may have published or freed, and died before it woke anybody.
    this.#messagesBell.ringAnyway();
    this.#roomBell.ringAnyway();
  }

  /**
   * Empties the ring, which nobody may use meanwhile.
   *
   * @param position what its positions begin with. @defaultValue 0
   */
  reset(position = 0): void {
    for (const word of [MESSAGES_BELL, ROOM_BELL, VOIDED, ORPHANED]) {
      Atomics.store(this.#words, this.#at + word, 0);
    }
    this.#cells.reset(position);
  }

  /** Where the ring stands; a look from outside that stops nobody. */
  stats(): MessageRingStats {
    const at = (word: number): number => Atomics.load(this.#words, this.#at + word) >>> 0;
    const [head, tail] = [at(HEAD), at(TAIL)];
    let claimed = 0;
    let reading = 0;
    for (let cell = 0; cell < this.cells; cell++) {
      const state = this.#cells.stateOf(cell);
      if (kindOf(state) === CLAIMED) claimed += countOf(state);
      if (kindOf(state) === READING) reading += countOf(state);
    }
    const published = Math.max(0, ((tail - head) | 0) - claimed);
    const free = Math.max(0, this.cells - published - claimed - reading);
    const [voided, orphaned] = [at(VOIDED), at(ORPHANED)];
    return { head, tail, free, claimed, published, reading, voided, orphaned };
  }

  #checkBatch(messages: Int32Array, count: number): void {
    const { messageWords } = this.#cells;
    if (!(Number.isInteger(count) && count >= 0 && count * messageWords <= messages.length)) {
      throw new MillraceError(
        'ERR_SIZE',
        `Cannot move ${count} messages of ${messageWords} words as the array holds ${messages.length}`,
      );
    }
  }
}

function check(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new MillraceError(
    'ERR_INVALID_ARG',
    `Cannot make a message ring with ${name} of ${String(value)} as it must be an integer from ${least} to ${most}`,
  );
}
