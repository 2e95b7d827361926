/**
 * One task's execution on a worker: input and output out of the cell, the op's `run`, the result back
 * into the cell.
 */
import type { MessagePort } from 'node:worker_threads';
import { MillraceError } from '@millrace/core';
import { PAGE_BYTES, type SlotRef } from '@millrace/core/internal';
import {
  BYTES,
  BY_LETTER,
  DIRECT,
  FAILED,
  FILE,
  FILE_ENDED,
  FLAGS,
  FROM_FILE,
  INLINE_BYTES,
  INPUT,
  IN_CELL,
  IN_OUTPUT,
  IN_PLACE,
  LEAD,
  LENGTH,
  NOTHING,
  NUMBER,
  OFFSET,
  OUTPUT,
  POSITION,
  RESULT,
  ROOM,
  SIZE,
  STARTED,
  TARGET,
  TIMED,
  TO_FILE,
  VALUE,
} from '../dispatch/layout.js';
import { LetterWriter, type LetterError } from '../dispatch/letters.js';
import { traitsOf } from '../dispatch/thrown.js';
import type { LoadedOp } from '../ops/loaded-ops.js';
import { readRange, wholePages, writeRange } from './file-range.js';
import { seldom } from './later.js';
import { BYTES_IN, BYTES_OUT, TASKS_RUN } from './messages.js';
import { TaskContext, type Surroundings } from './task-context.js';
import type { ThreadMemory } from './thread-memory.js';

const EMPTY = new Uint8Array(new SharedArrayBuffer(0));

export class Execution {
  readonly #surroundings: Surroundings;
  readonly #words: Int32Array;
  readonly #floats: Float64Array;
  readonly #bytes: Uint8Array;
  readonly #memory: ThreadMemory;
  readonly #letters: LetterWriter;
  /** Of tasks under way whose op has returned a promise. */
  readonly #pending = new Set<TaskContext>();
  readonly #runAt: number;
  readonly #inAt: number;
  readonly #outAt: number;

  constructor(surroundings: Surroundings, port: MessagePort) {
    const { words, memory } = surroundings;
    this.#surroundings = surroundings;
    this.#words = words;
    this.#floats = new Float64Array(words.buffer);
    this.#bytes = new Uint8Array(words.buffer);
    this.#memory = memory;
    this.#letters = new LetterWriter(words, memory, port);
    this.#runAt = memory.counterAt(TASKS_RUN);
    this.#inAt = memory.counterAt(BYTES_IN);
    this.#outAt = memory.counterAt(BYTES_OUT);
  }

  /** Runs `op` on the task in the cell at `at`. The promise, if there is one, resolves when the outcome stands in the cell. */
  run(at: number, op: LoadedOp): Promise<void> | undefined {
    const words = this.#words;
    try {
      if ((words[at + FLAGS]! & TIMED) !== 0) words[at + STARTED] = Date.now() | 0;
      const bytes = this.#input(at);
      if (!bytes) return undefined;
      this.#memory.count(this.#runAt, 1);
      const context = new TaskContext(this.#surroundings, at, op.state);
      const result = op.run(bytes, op.params, context);
      if (op.kind === 'generator') {
        const { OutboxWriter, checkGenerator, sendOutputs } = seldom();
        const outbox = new OutboxWriter(this.#memory.pools, words[at + OUTPUT]! as SlotRef);
        const generator = checkGenerator(op.name, result);
        const sent = sendOutputs(op.name, generator, outbox, context);
        return this.#await(at, op, bytes, context, sent);
      }
      if (result instanceof Promise) return this.#await(at, op, bytes, context, result);
      context.end();
      this.#report(at, op, bytes, result);
    } catch (error) {
      this.fail(at, error);
    }
    return undefined;
  }

  /** Tells the ops under way whose tasks were cancelled. */
  tellCancelled(): void {
    for (const context of this.#pending) context.tell();
  }

  /** Puts an error in the place of the result. */
  fail(at: number, error: unknown): void {
    const described = describe(error);
    // Not cloneable, a function inside an error for instance: its description is.
    const told =
      this.#letters.send(at, { error: { cause: error, ...described } }) ||
      this.#letters.send(at, { error: { cause: described.message, ...described } });
    if (!told) this.#letters.lose(at);
    this.#words[at + RESULT] = FAILED;
  }

  async #await(
    at: number,
    op: LoadedOp,
    bytes: Uint8Array,
    context: TaskContext,
    result: Promise<unknown>,
  ): Promise<void> {
    this.#pending.add(context);
    try {
      const value = await result;
      this.#report(at, op, bytes, value);
    } catch (error) {
      this.fail(at, error);
    }
    this.#pending.delete(context);
    context.end();
  }

  /** The input's bytes, read from the file where the task says so; `undefined` when the file was too short. */
  #input(at: number): Uint8Array | undefined {
    const words = this.#words;
    const length = words[at + LENGTH]!;
    const ref = words[at + INPUT]!;
    this.#memory.count(this.#inAt, length);
    if (ref < 0) return EMPTY;
    const lead = words[at + LEAD]!;
    const start = words[at + OFFSET]!;
    if ((words[at + FLAGS]! & FROM_FILE) !== 0) {
      const direct = (words[at + FLAGS]! & DIRECT) !== 0;
      const before = start + lead;
      const room = direct ? wholePages(before + length) : before + length;
      // What lies before it in a slice that holds the whole object is others'.
      const from = direct ? start - (start % PAGE_BYTES) : start;
      const position = this.#floats[(at + POSITION) >> 1]! - before + from;
      const view = this.#memory.viewOf(ref as SlotRef, room);
      const wanted = from === 0 ? view : view.subarray(from);
      const got = from + readRange(words[at + FILE]!, wanted, position, direct);
      if (got < before + length) {
        words[at + RESULT] = FILE_ENDED;
        words[at + SIZE] = Math.max(0, got - before);
        return undefined;
      }
    }
    const whole = this.#memory.viewOf(ref as SlotRef, start + lead + length);
    return start + lead === 0 ? whole : whole.subarray(start + lead);
  }

  #report(at: number, op: LoadedOp, bytes: Uint8Array, result: unknown): void {
    const words = this.#words;
    if (op.kind === 'in-place') {
      if ((words[at + FLAGS]! & TO_FILE) !== 0) {
        writeRange(words[at + TARGET]!, bytes, this.#floats[(at + POSITION) >> 1]!);
        this.#memory.count(this.#outAt, bytes.length);
      }
      words[at + RESULT] = IN_PLACE;
    } else if (op.kind === 'transform') {
      this.#reportWritten(at, op, result);
    } else if (typeof result === 'number') {
      words[at + RESULT] = NUMBER;
      this.#floats[(at + VALUE) >> 1] = result;
    } else if (result === undefined) {
      words[at + RESULT] = NOTHING;
    } else if (result instanceof Uint8Array && result.byteLength <= INLINE_BYTES) {
      words[at + RESULT] = IN_CELL;
      words[at + SIZE] = result.byteLength;
      this.#bytes.set(result, (at + BYTES) * 4);
    } else if (this.#letters.send(at, { value: owned(result) })) {
      words[at + RESULT] = BY_LETTER;
    } else {
      this.fail(
        at,
        new MillraceError(
          'ERR_OP_OUTPUT',
          `Cannot return the result of "${op.name}" as it cannot be cloned`,
        ),
      );
    }
  }

  #reportWritten(at: number, op: LoadedOp, result: unknown): void {
    const room = this.#words[at + ROOM]!;
    const written = result as { size?: unknown; value?: unknown } | undefined | null;
    const size = typeof result === 'number' ? result : written?.size;
    if (!Number.isInteger(size) || (size as number) < 0 || (size as number) > room) {
      this.fail(
        at,
        new MillraceError(
          'ERR_OP_OUTPUT',
          `Cannot take the output of "${op.name}" as it must say how many bytes it wrote, from 0 to ${room}: got ${String(size)}`,
        ),
      );
      return;
    }
    this.#memory.count(this.#outAt, size as number);
    this.#words[at + RESULT] = IN_OUTPUT;
    this.#words[at + SIZE] = size as number;
    this.#floats[(at + VALUE) >> 1] = Number(written?.value ?? 0);
  }
}

/** What can be told of anything that was thrown, in words that can be cloned. */
function describe(error: unknown): Omit<LetterError, 'cause'> {
  try {
    const message = String(error instanceof Error ? error.message : error);
    const traits = traitsOf(error);
    const causeTraits = traitsOf((error as { cause?: unknown } | null | undefined)?.cause);
    const code = (error as { code?: unknown } | null | undefined)?.code;
    return typeof code === 'string' || typeof code === 'number'
      ? { message, code, traits, causeTraits }
      : { message, traits, causeTraits };
  } catch {
    // An object without a prototype, for instance, has no string.
    return { message: `something of type ${typeof error} was thrown` };
  }
}

/** A view onto shared memory would be cloned as one onto the same memory, which is lent to others soon. */
function owned(result: unknown): unknown {
  return result instanceof Uint8Array && result.buffer instanceof SharedArrayBuffer
    ? new Uint8Array(result)
    : result;
}
