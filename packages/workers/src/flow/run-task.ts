/**
 * The task of one run, on nothing, on bytes or on a slice.
 *
 * With tens of thousands in flight the garbage collector copies all that a task consists of while it waits.
 * So a task that has settled is used again, for another: it has grown old by then, and lies still.
 */
import { Slice } from '@millrace/core';
import type { SlotRef } from '@millrace/core/internal';
import { IN_OUTPUT, IN_PLACE, NOTHING, NUMBER } from '../dispatch/layout.js';
import type { LargeGate } from '../dispatch/large-gate.js';
import type { Outcome, Terms } from '../dispatch/task.js';
import type { Configured } from '../ops/configurations.js';
import { outputRoom } from '../ops/output-bound.js';
import type { Submitter } from '../submitter.js';
import type { Lot } from '../supply/memory-line.js';
import { SingleTask } from './single-task.js';

/** So many are kept. */
const MOST_SPARE = 512;
const spare: RunTask[] = [];

/** One that has not begun. */
export function unusedTask(): RunTask {
  return spare.pop() ?? new RunTask();
}

export class RunTask extends SingleTask {
  /** The input is the user's, and stays so; else it is a copy. */
  #lent = false;
  #output: Slice | undefined = undefined;
  /** Somebody may know it for longer than it runs. */
  #known = false;
  /** That of a large one, which goes back when it has settled. */
  #permit: { readonly gate: LargeGate; readonly weight: number } | undefined = undefined;

  /**
   * Leases what it takes to work on `data`, and begins.
   *
   * @param known whether somebody may know it for longer than it runs: else it may be another task by then
   * @returns `undefined` when memory is not free, or others wait for it
   */
  beginOn(
    submitter: Submitter,
    config: Configured,
    terms: Terms,
    data: Uint8Array | Slice | undefined,
    known: boolean,
  ): Promise<unknown> | undefined {
    const { buffers, supply } = submitter;
    const given = data instanceof Slice ? data : undefined;
    const inputBytes = given ? 0 : (data?.byteLength ?? 0);
    const outputBytes = roomFor(config, data);
    if (inputBytes + outputBytes === 0) {
      return this.#begin(submitter, config, terms, given, given, undefined, known);
    }
    if (supply.line.length > 0 || Math.max(inputBytes, outputBytes) > supply.largest) {
      return undefined;
    }
    let input = given;
    if (inputBytes > 0) {
      input = buffers.tryAcquire(inputBytes);
      if (!input) return undefined;
    }
    let output: Slice | undefined;
    if (outputBytes > 0) {
      output = buffers.tryAcquire(outputBytes, input && { near: input });
      if (!output) {
        if (!given) input?.release();
        return undefined;
      }
    }
    if (!given) input?.bytes.set(data as Uint8Array);
    if (inputBytes > 0) supply.lentWhole(inputBytes);
    return this.#begin(submitter, config, terms, given, input, output, known);
  }

  /** Begins with what was leased for it, and was filled. */
  beginWith(
    submitter: Submitter,
    config: Configured,
    terms: Terms,
    given: Slice | undefined,
    { input = given, output }: Lot,
    known: boolean,
  ): Promise<unknown> {
    const { supply } = submitter;
    if (!given && input) supply.lentWhole(input.byteLength);
    return this.#begin(submitter, config, terms, given, input, output, known);
  }

  /** @param given the slice that is the user's, and stays so */
  #begin(
    submitter: Submitter,
    config: Configured,
    terms: Terms,
    given: Slice | undefined,
    input: Slice | undefined,
    output: Slice | undefined,
    known: boolean,
  ): Promise<unknown> {
    this.#known = known;
    this.#lent = given !== undefined;
    this.#output = output;
    return this.begin(submitter, config, terms, input);
  }

  /** It has a permit, of this weight. */
  holds(gate: LargeGate, weight: number): void {
    this.#permit = { gate, weight };
  }

  get idempotent(): boolean {
    return this.config.kind !== 'in-place';
  }

  override get output(): SlotRef | -1 {
    return this.#output?.ref ?? -1;
  }

  override get room(): number {
    return this.#output?.byteLength ?? 0;
  }

  protected resultOf({ kind, size, value, payload }: Outcome): unknown {
    if (kind === NUMBER) return value;
    if (kind === NOTHING) return undefined;
    if (kind === IN_PLACE) {
      return this.#lent ? this.given : (this.given?.bytes.slice() ?? new Uint8Array(0));
    }
    if (kind === IN_OUTPUT) return this.#output!.bytes.slice(0, size);
    return payload;
  }

  override done(outcome: Outcome): void {
    super.done(outcome);
    if (this.trouble === undefined && !this.#known && spare.length < MOST_SPARE) spare.push(this);
  }

  protected release(): void {
    if (!this.#lent && this.given) {
      this.given.release();
      this.submitter.supply.books.usage.put();
    }
    this.#output?.release();
    this.#permit?.gate.leave(this.#permit.weight);
    this.#output = this.#permit = undefined;
  }
}

/** Bytes of room for the output of an op that runs once on `data`; 0 when it writes none. */
export function roomFor(config: Configured, data: Uint8Array | Slice | undefined): number {
  return config.kind === 'transform' ? outputRoom(config, data?.byteLength ?? 0) : 0;
}
