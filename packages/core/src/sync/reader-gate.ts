/**
 * The gate of a readers-writer lock, and the words of the readers before it and behind it.
 *
 *   line 0    GATE: 7 abandoned │ 6–0 writer        SPAN: the highest thread id so far
 *   line 1    DRAIN: counts the threads that have stopped reading
 *   then      of each thread one line: 31–2 how often it reads │ 1 admitted │ 0 asks
 *
 * What must hold:
 * - Reader: count up, then look at the gate. Writer: close the gate, then look at the counts. All four
 *   are sequentially consistent: at least one sees the other, and a reader who does steps back.
 * - Reader: ask, then look at the gate. Writer: open the gate, then admit all who ask. So nobody asks
 *   in vain. The writer keeps other writers out meanwhile: who asked before the gate opened reads
 *   before it closes again.
 * - A thread's word is changed by its thread, but for two bits: a writer turns `asks` into `admitted`,
 *   counting the thread in by the same exchange; a sweeper, who does not keep writers out, takes `asks`
 *   away. Then the thread looks again.
 *
 * Readers do not touch each other's words: W. Hsieh, W. Weihl, "Scalable reader-writer locks for
 * parallel systems", 1992, and Linux's brlock.
 */
import { LINE } from '../memory/layout.js';
import type { ThreadId } from '../threads/registry.js';
import { Span } from './span.js';

const GATE = 0;
const SPAN = 1;
const DRAIN = LINE;
/** Thread 1's line: there is no thread 0. */
const FIRST_READER = 2 * LINE;

const WRITER = 0x7f;
const ABANDONED = 1 << 7;

const ASKS = 1;
const ADMITTED = 2;
const ONE_READ = 4;

export class ReaderGate {
  readonly #words: Int32Array;
  readonly #at: number;
  readonly #thread: ThreadId;
  /** Where this thread's word lies: what a reader who asks waits on. */
  readonly mine: number;
  /** Where the word lies on which a writer waits until nobody reads. */
  readonly drainAt: number;
  readonly #span: Span;

  constructor(words: Int32Array, at: number, thread: ThreadId) {
    this.#words = words;
    this.#at = at;
    this.#thread = thread;
    this.mine = this.#wordOf(thread);
    this.drainAt = at + DRAIN;
    this.#span = new Span(words, at + SPAN, thread);
  }

  static words(maxThread: number): number {
    return FIRST_READER + maxThread * LINE;
  }

  /** The thread that keeps the gate closed, if one does. */
  get writer(): ThreadId | undefined {
    const writer = Atomics.load(this.#words, this.#at + GATE) & WRITER;
    return writer === 0 ? undefined : (writer as ThreadId);
  }

  get closed(): boolean {
    return (Atomics.load(this.#words, this.#at + GATE) & WRITER) !== 0;
  }

  /** A writer has died behind the gate, and nobody has repaired what it left. */
  get abandoned(): boolean {
    return (Atomics.load(this.#words, this.#at + GATE) & ABANDONED) !== 0;
  }

  /** How often `thread` reads. */
  countOf(thread: number): number {
    return Atomics.load(this.#words, this.#wordOf(thread)) >> 2;
  }

  asks(thread: number): boolean {
    return (Atomics.load(this.#words, this.#wordOf(thread)) & ASKS) !== 0;
  }

  get span(): number {
    return this.#span.highest;
  }

  /** Reader: counts up. It reads if the gate is open, and must step back or stop if it is not. */
  start(): number {
    this.#span.countIn();
    return Atomics.add(this.#words, this.mine, ONE_READ) >> 2;
  }

  /** Reader: counts down. */
  stop(): void {
    const before = Atomics.sub(this.#words, this.mine, ONE_READ);
    if (before >> 2 === 1 && this.closed) this.ringDrain();
  }

  /** Reader: counts down again before a closed gate, and asks, in one step. */
  stepBack(): void {
    const words = this.#words;
    for (;;) {
      const word = Atomics.load(words, this.mine);
      const asks = (word - ONE_READ) | ASKS;
      if (Atomics.compareExchange(words, this.mine, word, asks) !== word) continue;
      // A writer may have seen the count.
      if (asks >> 2 === 0) this.ringDrain();
      return;
    }
  }

  /**
   * Reader who asks: looks for the answer.
   *
   * @returns 0 when it reads now; else it asks still, and may sleep while its word is what this returns
   */
  look(): number {
    const words = this.#words;
    for (;;) {
      const word = Atomics.load(words, this.mine);
      if ((word & ADMITTED) !== 0) {
        Atomics.and(words, this.mine, ~ADMITTED);
        return 0;
      }
      if ((word & ASKS) !== 0) {
        if (this.closed) return word;
        const reads = (word & ~ASKS) + ONE_READ;
        if (Atomics.compareExchange(words, this.mine, word, reads) !== word) continue;
      } else {
        // It was roused by a sweeper: perhaps the gate is open.
        Atomics.add(words, this.mine, ONE_READ);
      }
      if (!this.closed) return 0;
      this.stepBack();
    }
  }

  /** Reader: asks no more; what it was granted meanwhile it gives back. */
  withdraw(): void {
    const before = Atomics.and(this.#words, this.mine, ~(ASKS | ADMITTED));
    if ((before & ADMITTED) !== 0) this.stop();
  }

  /** Writer, alone: closes the gate; from here on no reader comes in. */
  close(): void {
    const mark = Atomics.load(this.#words, this.#at + GATE) & ABANDONED;
    Atomics.store(this.#words, this.#at + GATE, this.#thread | mark);
  }

  /**
   * Writer whose thread is about to block: puts back a task of its own thread that was admitted and
   * does not know it yet. It would not stop reading before the thread has stopped waiting for it.
   */
  putBack(): void {
    const word = Atomics.load(this.#words, this.mine);
    if ((word & ADMITTED) === 0) return;
    Atomics.store(this.#words, this.mine, ((word & ~ADMITTED) - ONE_READ) | ASKS);
  }

  /** Writer behind the closed gate: whether nobody reads any more. */
  get drained(): boolean {
    const span = this.span;
    for (let thread = 1; thread <= span; thread++) {
      if (this.countOf(thread) > 0) return false;
    }
    return true;
  }

  /**
   * Writer, who still keeps other writers out: opens the gate, and admits all who ask.
   *
   * @param repaired false when what a dead writer left is still as it was
   */
  open(repaired: boolean): void {
    const words = this.#words;
    const mark = repaired ? 0 : Atomics.load(words, this.#at + GATE) & ABANDONED;
    // Publishes what was written to all readers to come. Who asked before this is found below; who asks
    // after it finds the gate open.
    Atomics.store(words, this.#at + GATE, mark);
    const span = this.span;
    for (let thread = 1; thread <= span; thread++) this.#admit(thread);
  }

  /** Tells the writer that waits, if one does, that a thread has stopped reading. */
  ringDrain(): void {
    Atomics.add(this.#words, this.drainAt, 1);
    Atomics.notify(this.#words, this.drainAt);
  }

  /** Lets go of all that the dead `thread` held here; opens its gate, marked. */
  reclaim(thread: ThreadId): void {
    const words = this.#words;
    // A writer that admits the dead just now loses its exchange, or is overwritten.
    if (thread <= this.span) Atomics.store(words, this.#wordOf(thread), 0);
    this.ringDrain();
    const gate = Atomics.load(words, this.#at + GATE);
    if ((gate & WRITER) === thread) {
      Atomics.compareExchange(words, this.#at + GATE, gate, ABANDONED);
    }
    const span = this.span;
    for (let other = 1; other <= span; other++) {
      this.#rouse(other);
      // The dead may have admitted or roused it, and not called.
      Atomics.notify(words, this.#wordOf(other));
    }
  }

  /** Counts `thread` in, if it asks: it reads from here on, even before it knows. */
  #admit(thread: number): void {
    const words = this.#words;
    const at = this.#wordOf(thread);
    for (;;) {
      const word = Atomics.load(words, at);
      if ((word & ASKS) === 0) return;
      const admitted = ((word & ~ASKS) | ADMITTED) + ONE_READ;
      if (Atomics.compareExchange(words, at, word, admitted) !== word) continue;
      Atomics.notify(words, at);
      return;
    }
  }

  /** Makes `thread` look at the gate again, if it asks. */
  #rouse(thread: number): void {
    const at = this.#wordOf(thread);
    if ((Atomics.load(this.#words, at) & ASKS) === 0) return;
    Atomics.and(this.#words, at, ~ASKS);
    Atomics.notify(this.#words, at);
  }

  #wordOf(thread: number): number {
    return this.#at + FIRST_READER + (thread - 1) * LINE;
  }
}
