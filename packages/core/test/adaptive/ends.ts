/** Readers and writers for tests of copies and tees, whose bytes are those of an endless pattern. */
import type { ByteReader, ByteWriter } from '@millrace/core';
import { byteAt, fillFrom } from '../rings-pattern.ts';

/** When an end answers: at once, in the same turn of the event loop, or in a later one. */
export type Pace = 'now' | 'soon' | 'later';

export interface EndShape {
  /** How many bytes each read gives at most, by turns; a writer has no use for it. */
  readonly pieces?: readonly number[];
  /** How the answers come, by turns. */
  readonly paces?: readonly Pace[];
  /** Fails instead of the answer of that number. */
  readonly failsAt?: number | undefined;
}

export class EndFailure extends Error {}

abstract class End {
  /** Reads or writes, so far. */
  calls = 0;
  /** Why it was ended before its time: `cancel` of a reader, `abort` of a writer. */
  readonly endings: unknown[] = [];
  readonly #shape: EndShape;
  #busy = false;

  constructor(shape: EndShape) {
    this.#shape = shape;
  }

  /** What a turn gives of the values given by turns. */
  protected byTurns<T>(values: readonly T[] | undefined, otherwise: T): T {
    return values?.length ? values[this.calls % values.length]! : otherwise;
  }

  /** Answers with what `work` gives, as the shape says; no second answer may be asked for before. */
  protected answer<T>(work: () => T): T | Promise<T> {
    if (this.#busy) throw new Error('Asked again before the answer');
    if (this.endings.length > 0) throw new Error('Asked after the end');
    const fails = this.calls === this.#shape.failsAt;
    const pace = this.byTurns(this.#shape.paces, 'now');
    this.calls++;
    const settle = (): T => {
      this.#busy = false;
      if (fails) throw new EndFailure('as planned');
      return work();
    };
    if (pace === 'now') return settle();
    this.#busy = true;
    if (pace === 'soon') return Promise.resolve().then(settle);
    return new Promise((resolve) => setImmediate(resolve)).then(settle);
  }
}

/** Gives the first `total` bytes of the pattern. */
export class PatternReader extends End implements ByteReader {
  given = 0;
  readonly #total: number;
  readonly #shape: EndShape;

  constructor(total: number, shape: EndShape = {}) {
    super(shape);
    this.#total = total;
    this.#shape = shape;
  }

  read(into: Uint8Array): number | Promise<number> {
    const most = this.byTurns(this.#shape.pieces, into.length);
    return this.answer(() => {
      const count = Math.min(most, into.length, this.#total - this.given);
      fillFrom(this.given, into.subarray(0, count));
      this.given += count;
      return count;
    });
  }

  cancel(reason: unknown): void {
    this.endings.push(reason);
  }
}

/** Sees to it that what it is given are the first bytes of the pattern, still at the time of its answer. */
export class PatternWriter extends End implements ByteWriter {
  taken = 0;
  wrong = 0;
  closed = 0;
  /** Which memory the bytes lay in. */
  readonly places = new Set<string>();

  constructor(shape: EndShape = {}) {
    super(shape);
  }

  write(bytes: Uint8Array): void | Promise<void> {
    this.places.add(placeOf(bytes));
    return this.answer(() => this.take(bytes));
  }

  close(): void {
    this.closed++;
  }

  abort(reason: unknown): void {
    this.endings.push(reason);
  }

  protected take(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i++) {
      if (bytes[i] !== byteAt(this.taken + i)) this.wrong++;
    }
    this.taken += bytes.length;
  }
}

/** One that answers when the test says so. */
export class GatedWriter extends PatternWriter {
  #open: { bytes: Uint8Array; settle(error?: unknown): void } | undefined;
  #called: (() => void) | undefined;

  override write(bytes: Uint8Array): Promise<void> {
    this.places.add(placeOf(bytes));
    this.calls++;
    return new Promise((resolve, reject) => {
      this.#open = {
        bytes,
        settle: (error) => (error === undefined ? resolve() : reject(error)),
      };
      this.#called?.();
    });
  }

  override abort(reason: unknown): void {
    super.abort(reason);
    this.#settle(reason);
  }

  /** A write that has begun and was not answered yet. */
  async writing(): Promise<void> {
    while (!this.#open) await new Promise<void>((resolve) => (this.#called = resolve));
  }

  /** Answers the write that is under way; waits for one. */
  async let(error?: unknown): Promise<void> {
    await this.writing();
    if (error === undefined) this.take(this.#open!.bytes);
    this.#settle(error);
  }

  #settle(error?: unknown): void {
    const open = this.#open;
    this.#open = undefined;
    open?.settle(error);
  }
}

/** Gives nothing until it is cancelled. */
export class StuckReader implements ByteReader {
  readonly endings: unknown[] = [];
  #leave: (() => void) | undefined;

  read(): Promise<number> {
    return new Promise((resolve) => (this.#leave = () => resolve(0)));
  }

  cancel(reason: unknown): void {
    this.endings.push(reason);
    this.#leave?.();
  }
}

export function placeOf(bytes: Uint8Array): string {
  return `${bytes.byteOffset}`;
}
