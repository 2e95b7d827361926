/**
 * The cells of a message ring, and how a thread claims, fills, empties and hands them on.
 *
 *   claim (exchange STATE) ──▶ move TAIL on ──▶ write ──▶ publish (store STATE)
 *   claim (exchange STATE) ──▶ move HEAD on ──▶ read  ──▶ free    (store STATE)
 *
 * A run of cells passes from hand to hand by the STATE of its first cell alone. That is the truth; TAIL
 * and HEAD are where to look. Producers claim at TAIL, consumers at HEAD, and nowhere else: so n cells,
 * of one run or several, take one exchange, on the first. It says who claims how many, and how much of
 * the last run is left over. Whoever comes next can do the rest with that: make the left-over a run, and
 * move TAIL or HEAD on. The lap in a state makes an exchange fail by who looked long ago.
 *
 * STATE = PUBLISHED publishes the messages of a run to consumers; STATE = FREE tells producers that they
 * have been read. The states of a run's other cells mean nothing until somebody has moved there.
 *
 * Positions are integers modulo 2^32 in any representation: only shifts and masks are applied to them.
 */
import type { ThreadId } from '../threads/registry.js';
import {
  CELLS,
  CLAIMED,
  FREE,
  HEAD,
  LENGTH,
  MESSAGE,
  MOST_AT_ONCE,
  PUBLISHED,
  READING,
  STATE,
  TAIL,
  VOID,
  claim,
  countOf,
  idle,
  isClaim,
  isIdle,
  restOf,
  runBitsOf,
  runOf,
  type ClaimKind,
  type IdleKind,
  type MessageRingShape,
} from './message-ring-layout.js';

export class MessageCells {
  readonly words: Int32Array;
  readonly at: number;
  readonly cells: number;
  readonly messageWords: number;
  readonly #thread: ThreadId;
  readonly #cellsAt: number;
  readonly #cellWords: number;
  readonly #mask: number;
  readonly #lapShift: number;
  readonly #runBits: number;
  #start = 0;

  constructor(words: Int32Array, at: number, shape: MessageRingShape, thread: ThreadId) {
    this.words = words;
    this.at = at;
    this.cells = shape.cells;
    this.messageWords = shape.messageWords;
    this.#thread = thread;
    this.#cellsAt = at + CELLS;
    this.#cellWords = MESSAGE + shape.messageWords;
    this.#mask = shape.cells - 1;
    this.#lapShift = 31 - Math.clz32(shape.cells);
    this.#runBits = runBitsOf(shape.cells);
  }

  /** Where this thread's latest claim begins. */
  get start(): number {
    return this.#start;
  }

  stateOf(position: number): number {
    return Atomics.load(this.words, this.#cellOf(position) + STATE);
  }

  lapOf(position: number): number {
    return position >>> this.#lapShift;
  }

  /** Claims up to `want` cells (1 or more) to write to; they begin at {@link start}. Zero when the ring is full. */
  claimRoom(want: number): number {
    return this.#claim(CLAIMED, want);
  }

  /** Claims up to `want` messages (1 or more) to read; they begin at {@link start}. Zero when the ring is empty. */
  claimMessages(want: number): number {
    return this.#claim(READING, want);
  }

  /** Whether there may be something to claim now: there is, or others are about to move on from here. */
  has(kind: ClaimKind): boolean {
    const indexAt = this.at + indexOf(kind);
    const position = Atomics.load(this.words, indexAt);
    const state = this.stateOf(position);
    return (
      this.#isIdle(state, idleOf(kind), position) ||
      isClaim(state, kind, this.lapOf(position)) ||
      Atomics.load(this.words, indexAt) !== position
    );
  }

  /** Writes `count` messages of `length` words each into the claimed cells from `start` on, and publishes them. */
  fill(start: number, count: number, messages: Int32Array, length: number): void {
    const { words } = this;
    for (let i = 0, from = 0; i < count; i++, from += length) {
      const cell = this.#cellOf(start + i);
      words[cell + LENGTH] = length;
      copyWords(messages, from, words, cell + MESSAGE, length);
    }
    this.publish(start, count);
  }

  /** Publishes a claim as one without messages. */
  fillVoid(start: number, count: number): void {
    for (let i = 0; i < count; i++) this.words[this.#cellOf(start + i) + LENGTH] = VOID;
    this.publish(start, count);
  }

  /**
   * Copies `count` claimed messages from `start` on into `target`, in `messageWords` words each, without
   * those that are void, and frees their cells.
   *
   * @returns how many were not void
   */
  empty(start: number, count: number, target: Int32Array, lengths?: Int32Array): number {
    let taken = 0;
    for (let i = 0; i < count; i++) {
      const length = this.copy(start + i, target, taken * this.messageWords);
      if (length === VOID) continue;
      if (lengths) lengths[taken] = length;
      taken++;
    }
    this.free(start, count);
    return taken;
  }

  /** Copies a claimed message to `target` at `at`; its length, or VOID. */
  copy(position: number, target: Int32Array, at: number): number {
    const { words } = this;
    const cell = this.#cellOf(position);
    const length = words[cell + LENGTH]!;
    copyWords(words, cell + MESSAGE, target, at, length);
    return length;
  }

  publish(start: number, count: number): void {
    // Publishes the messages to whoever claims them for reading, and all after him.
    this.#store(start, PUBLISHED, this.lapOf(start), count);
  }

  free(start: number, count: number): void {
    // Tells whoever claims the cells next, and all after him, that their messages have been read.
    this.#store(start, FREE, this.lapOf(start + this.cells), count);
  }

  /** Makes all cells free, as if `position` were the first ever; nobody may use them meanwhile. */
  reset(position: number): void {
    for (let i = 0; i < this.cells; i++) {
      this.#store(position + i, FREE, this.lapOf(position + i), 1);
    }
    Atomics.store(this.words, this.at + TAIL, position | 0);
    Atomics.store(this.words, this.at + HEAD, position | 0);
  }

  /**
   * Makes what the claim `state` at `position` left over a run, and moves the index on: for its owner,
   * and for whoever finds that its owner has not come to that.
   */
  moveOn(kind: ClaimKind, position: number, state: number): void {
    const { words } = this;
    const indexAt = this.at + indexOf(kind);
    const next = position + countOf(state);
    const rest = restOf(state);
    if (rest > 0) {
      const at = this.#cellOf(next) + STATE;
      const run = idle(idleOf(kind), this.lapOf(next), rest, this.#runBits);
      const old = Atomics.load(words, at);
      // Others have been here, and may be beyond `next` by now.
      if (Atomics.load(words, indexAt) !== position) return;
      // Lost only to somebody who did it for us: until then the index stays, and nobody comes to `next`.
      if (old !== run) Atomics.compareExchange(words, at, old, run);
    }
    Atomics.compareExchange(words, indexAt, position, next | 0);
  }

  #claim(kind: ClaimKind, want: number): number {
    const { words } = this;
    const indexAt = this.at + indexOf(kind);
    for (;;) {
      const position = Atomics.load(words, indexAt);
      const at = this.#cellOf(position) + STATE;
      const state = Atomics.load(words, at);
      const lap = this.lapOf(position);
      if (this.#isIdle(state, idleOf(kind), position)) {
        const there = this.#lookAhead(position, kind, runOf(state, this.#runBits), want);
        const count = Math.min(there, want, MOST_AT_ONCE);
        const mine = claim(kind, lap, this.#thread, count, there - count);
        // From here on the cells are ours: the index was at the first of them, and its state has not
        // changed since, as it would have when anybody claimed it.
        if (Atomics.compareExchange(words, at, state, mine) === state) {
          this.moveOn(kind, position, mine);
          this.#start = position;
          return count;
        }
      } else if (isClaim(state, kind, lap)) {
        this.moveOn(kind, position, state);
      } else if (Atomics.load(words, indexAt) === position) {
        return 0;
      }
    }
  }

  /** How many cells the runs from `position` on have, the first of `run`, until there are `want` or more. */
  #lookAhead(position: number, kind: ClaimKind, run: number, want: number): number {
    const most = Math.min(want, MOST_AT_ONCE);
    let there = run;
    while (there < most) {
      const state = this.stateOf(position + there);
      if (!this.#isIdle(state, idleOf(kind), position + there)) break;
      there += runOf(state, this.#runBits);
    }
    return there;
  }

  #isIdle(state: number, kind: IdleKind, position: number): boolean {
    return isIdle(state, kind, this.lapOf(position), this.#runBits);
  }

  #store(start: number, kind: IdleKind, lap: number, run: number): void {
    Atomics.store(this.words, this.#cellOf(start) + STATE, idle(kind, lap, run, this.#runBits));
  }

  /** Where the cell of `position` begins. */
  #cellOf(position: number): number {
    return this.#cellsAt + (position & this.#mask) * this.#cellWords;
  }
}

/** Four at a time: one word a round takes long messages almost half as long again. */
function copyWords(
  source: Int32Array,
  from: number,
  target: Int32Array,
  to: number,
  count: number,
): void {
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    target[to + i] = source[from + i]!;
    target[to + i + 1] = source[from + i + 1]!;
    target[to + i + 2] = source[from + i + 2]!;
    target[to + i + 3] = source[from + i + 3]!;
  }
  for (; i < count; i++) target[to + i] = source[from + i]!;
}

/** Where those look who make claims of this kind. */
export function indexOf(kind: ClaimKind): typeof TAIL | typeof HEAD {
  return kind === CLAIMED ? TAIL : HEAD;
}

/** What cells must be to be claimed so. */
function idleOf(kind: ClaimKind): IdleKind {
  return kind === CLAIMED ? FREE : PUBLISHED;
}
