/**
 * The memory of a window: the slices that its chunks get, and come back with.
 *
 *   object           input of a chunk        its output
 *   in one slice     a range of that         the slice that is kept until the end; others as long as there are some
 *   in chunks        a slice of its own      a slice of its own
 *
 * While it waits for more, the chunks that it has are worked on and come back. If there is no more in time, it goes
 * on with those: it is slower then, and ends.
 */
import { MillraceError, type Slice } from '@millrace/core';
import type { Configured } from '../ops/configurations.js';
import { outputRoom } from '../ops/output-bound.js';
import type { Lot, Need } from '../supply/memory-line.js';
import type { Plan } from '../supply/plan.js';
import type { Supply } from '../supply/supply.js';
import type { Chunk, ChunkSlices } from './chunk.js';
import type { Feed } from './chunk-window.js';

const NONE: Lot = { input: undefined, output: undefined };

export class WindowMemory {
  readonly #supply: Supply;
  readonly #config: Configured;
  readonly #feed: Feed;
  readonly #plan: Plan;
  readonly #stopping: AbortSignal;
  /** Chunks that have their slices, those included that are being written. */
  #held = 0;
  /**
   * Where all input lies in one slice, the output that is kept until the end: who holds a slice and waits for
   * another could wait for one who does the same.
   */
  #kept: Slice | undefined;
  #keptIsFree: boolean;

  /** @param stopping ends the wait for memory */
  constructor(supply: Supply, config: Configured, feed: Feed, plan: Plan, stopping: AbortSignal) {
    this.#supply = supply;
    this.#config = config;
    this.#feed = feed;
    this.#plan = plan;
    this.#stopping = stopping;
    this.#kept = plan.whole?.output;
    this.#keptIsFree = this.#kept !== undefined;
  }

  /** Whether there are as many chunks as there may be at a time. */
  get isFull(): boolean {
    return this.#held >= this.#plan.window;
  }

  /** Whether there are chunks that have slices, and will give them back. */
  get isLent(): boolean {
    return this.#held > 0;
  }

  /**
   * The slices of the next chunk; `undefined` when the flow is stopped, or has to go on with those that are lent.
   *
   * @throws MillraceError `ERR_POOL_EXHAUSTED` when none is lent
   */
  async lease(): Promise<ChunkSlices | undefined> {
    const { name } = this.#config;
    const given = this.#feed.slice;
    const outputBytes = this.#outputBytes(given);
    if (!given) {
      const lot = await this.#obtain({ name, inputBytes: this.#feed.inputBytes, outputBytes });
      return lot && this.#lend(lot.input!, lot.output, lot);
    }
    if (outputBytes === 0) return this.#lend(given, undefined, NONE);
    const need = { name, inputBytes: 0, outputBytes, given };
    if (!this.#kept) {
      const first = await this.#obtain(need);
      if (!first) return undefined;
      this.#supply.lent(first);
      this.#kept = first.output;
      this.#keptIsFree = true;
    }
    if (this.#keptIsFree) {
      this.#keptIsFree = false;
      return this.#lend(given, this.#kept, NONE);
    }
    const more = this.#supply.line.take(need);
    return more && this.#lend(given, more.output, more);
  }

  /** Only when no thread reads or writes the chunk's slices any more. */
  takeBack(chunk: Chunk): void {
    chunk.release();
    this.#supply.tookBack(chunk.own);
    this.#held--;
    if (this.#kept && chunk.outputSlice === this.#kept) this.#keptIsFree = true;
  }

  /** Gives back what was taken for all chunks, when none is left. */
  close(): void {
    const whole = { input: this.#plan.whole?.input, output: this.#kept };
    whole.input?.release();
    whole.output?.release();
    this.#supply.tookBack(whole);
  }

  /** Bytes of room for the output of one chunk, a range of `slice` if there is that; 0 for an op that writes none. */
  #outputBytes(slice: Slice | undefined): number {
    const { kind, definition } = this.#config;
    if (kind !== 'transform') return 0;
    const inputBytes = Math.min(definition.split!.size, slice?.byteLength ?? Infinity);
    return outputRoom(this.#config, inputBytes);
  }

  #lend(input: Slice, output: Slice | undefined, own: Lot): ChunkSlices {
    this.#held++;
    this.#supply.lent(own);
    return { input, output, own };
  }

  /** Others hold the memory, or our own chunks do: either gives some back, or it will never be enough. */
  async #obtain(need: Need): Promise<Lot | undefined> {
    const supply = this.#supply;
    try {
      const lot = supply.line.take(need) ?? (await supply.wait(need, this.#stopping));
      supply.had(need.inputBytes + need.outputBytes);
      return lot;
    } catch (error) {
      if (this.#stopping.aborted) return undefined;
      const exhausted = error instanceof MillraceError && error.code === 'ERR_POOL_EXHAUSTED';
      if (!exhausted || this.#held === 0) throw error;
      // It goes on with the chunks that it has.
      if (this.#plan.strategy !== 'direct') {
        const why = 'the memory for more chunks was not free in time';
        this.#plan.degrade('direct', need.inputBytes + need.outputBytes, why);
      }
      return undefined;
    }
  }
}
