/**
 * One task's execution on a worker: input and output out of the cell, the op's `run`, the result back
 * into the cell.
 */
import { readSync } from 'node:fs';
import type { MessagePort } from 'node:worker_threads';
import { MillraceError, type BufferPools } from '@millrace/core';
import type { SlotRef } from '@millrace/core/internal';
import {
  BYTES,
  BY_MESSAGE,
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
  LAST,
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
  VALUE,
  cellAt,
} from '../dispatch/layout.js';
import type { Letter } from '../dispatch/letters.js';
import type { OpContext } from '../ops/definition.js';
import type { LoadedOp } from '../ops/loaded-ops.js';
import { BYTES_IN, BYTES_OUT, TASKS_RUN } from './messages.js';

const EMPTY = new Uint8Array(new SharedArrayBuffer(0));
const ALONE: OpContext = Object.freeze({
  output: EMPTY,
  lead: EMPTY,
  last: true,
  state: undefined,
});

export class Execution {
  readonly #words: Int32Array;
  readonly #floats: Float64Array;
  readonly #bytes: Uint8Array;
  readonly #pools: BufferPools;
  readonly #port: MessagePort;
  readonly #runAt: number;
  readonly #inAt: number;
  readonly #outAt: number;

  constructor(words: Int32Array, pools: BufferPools, port: MessagePort) {
    this.#words = words;
    this.#floats = new Float64Array(words.buffer);
    this.#bytes = new Uint8Array(words.buffer);
    this.#pools = pools;
    this.#port = port;
    this.#runAt = pools.counters.at(pools.thread, TASKS_RUN);
    this.#inAt = pools.counters.at(pools.thread, BYTES_IN);
    this.#outAt = pools.counters.at(pools.thread, BYTES_OUT);
  }

  /** Runs `op` on the cell's task. The promise, if there is one, resolves when the outcome stands in the cell. */
  run(cell: number, op: LoadedOp): Promise<void> | undefined {
    try {
      const at = cellAt(cell);
      const bytes = this.#input(at);
      if (!bytes) return undefined;
      this.#pools.count(this.#runAt, 1);
      const result = op.run(bytes, op.params, this.#context(at));
      if (result instanceof Promise) {
        return result.then(
          (value: unknown) => this.#report(cell, op, value),
          (error: unknown) => this.fail(cell, error),
        );
      }
      this.#report(cell, op, result);
    } catch (error) {
      this.fail(cell, error);
    }
    return undefined;
  }

  /** Puts an error in the place of the result. */
  fail(cell: number, error: unknown): void {
    const described = describe(error);
    this.#send(
      { cell, error: { cause: error, ...described } },
      { cell, error: { cause: described.message, ...described } },
    );
    this.#words[cellAt(cell) + RESULT] = FAILED;
  }

  /** The input's bytes, read from the file where the task says so; `undefined` when the file was too short. */
  #input(at: number): Uint8Array | undefined {
    const words = this.#words;
    const length = words[at + LENGTH]!;
    const ref = words[at + INPUT]!;
    this.#pools.count(this.#inAt, length);
    if (ref < 0) return EMPTY;
    const lead = words[at + LEAD]!;
    const start = words[at + OFFSET]!;
    if ((words[at + FLAGS]! & FROM_FILE) !== 0) {
      const position = this.#floats[(at + POSITION) >> 1]!;
      const wanted = this.#pools.viewOf(ref as SlotRef, lead + length);
      const got = readRange(words[at + FILE]!, wanted, position - lead);
      if (got < lead + length) {
        words[at + RESULT] = FILE_ENDED;
        words[at + SIZE] = Math.max(0, got - lead);
        return undefined;
      }
    }
    const whole = this.#pools.viewOf(ref as SlotRef, start + lead + length);
    return start + lead === 0 ? whole : whole.subarray(start + lead);
  }

  #context(at: number): OpContext {
    const words = this.#words;
    const output = words[at + OUTPUT]!;
    const lead = words[at + LEAD]!;
    if (output < 0 && lead === 0) return ALONE;
    const start = words[at + OFFSET]!;
    return {
      output: output < 0 ? EMPTY : this.#pools.viewOf(output as SlotRef, words[at + ROOM]!),
      lead:
        lead === 0
          ? EMPTY
          : this.#pools
              .viewOf(words[at + INPUT]! as SlotRef, start + lead + words[at + LENGTH]!)
              .subarray(start, start + lead),
      last: (words[at + FLAGS]! & LAST) !== 0,
      state: undefined,
    };
  }

  #report(cell: number, op: LoadedOp, result: unknown): void {
    const words = this.#words;
    const at = cellAt(cell);
    if (op.kind === 'in-place') {
      words[at + RESULT] = IN_PLACE;
    } else if (op.kind === 'transform') {
      this.#reportWritten(cell, op, result);
    } else if (typeof result === 'number') {
      words[at + RESULT] = NUMBER;
      this.#floats[(at + VALUE) >> 1] = result;
    } else if (result === undefined) {
      words[at + RESULT] = NOTHING;
    } else if (result instanceof Uint8Array && result.byteLength <= INLINE_BYTES) {
      words[at + RESULT] = IN_CELL;
      words[at + SIZE] = result.byteLength;
      this.#bytes.set(result, (at + BYTES) * 4);
    } else if (this.#send({ cell, value: owned(result) })) {
      words[at + RESULT] = BY_MESSAGE;
    } else {
      this.fail(
        cell,
        new MillraceError(
          'ERR_OP_OUTPUT',
          `Cannot return the result of "${op.name}" as it cannot be cloned`,
        ),
      );
    }
  }

  #reportWritten(cell: number, op: LoadedOp, result: unknown): void {
    const at = cellAt(cell);
    const room = this.#words[at + ROOM]!;
    const written = result as { size?: unknown; value?: unknown } | undefined | null;
    const size = typeof result === 'number' ? result : written?.size;
    if (!Number.isInteger(size) || (size as number) < 0 || (size as number) > room) {
      this.fail(
        cell,
        new MillraceError(
          'ERR_OP_OUTPUT',
          `Cannot take the output of "${op.name}" as it must say how many bytes it wrote, from 0 to ${room}: got ${String(size)}`,
        ),
      );
      return;
    }
    this.#pools.count(this.#outAt, size as number);
    this.#words[at + RESULT] = IN_OUTPUT;
    this.#words[at + SIZE] = size as number;
    this.#floats[(at + VALUE) >> 1] = Number(written?.value ?? 0);
  }

  /** Posts a letter, or `otherwise` when it cannot be cloned; false when neither went. */
  #send(letter: Letter, otherwise?: Letter): boolean {
    try {
      this.#port.postMessage(letter);
      return true;
    } catch {
      // Not cloneable, a function inside an error for instance: its description is.
      if (otherwise) this.#port.postMessage(otherwise);
      return otherwise !== undefined;
    }
  }
}

/** What can be told of anything that was thrown, in words that can be cloned. */
function describe(error: unknown): { message: string; code?: string | number } {
  try {
    const message = String(error instanceof Error ? error.message : error);
    const code = (error as { code?: unknown } | null | undefined)?.code;
    return typeof code === 'string' || typeof code === 'number' ? { message, code } : { message };
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

/** Reads until `into` is full or the file ends; returns how many bytes came. */
function readRange(file: number, into: Uint8Array, position: number): number {
  let got = 0;
  while (got < into.length) {
    let count: number;
    try {
      count = readSync(file, into, got, into.length - got, position + got);
    } catch (cause) {
      throw new MillraceError('ERR_READ', `Cannot read the input: ${(cause as Error).message}`, {
        cause,
      });
    }
    if (count === 0) break;
    got += count;
  }
  return got;
}
