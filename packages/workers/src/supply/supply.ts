/**
 * What operations get of the shared memory, as one thread sees it: by which strategy, and in which line
 * they wait when there is none.
 */
import type { BufferPools, CheckedConfig, MemoryPressure, PlainStrategy } from '@millrace/core';
import { PRESSURE } from '../dispatch/layout.js';
import { MemoryLine, type Lot, type Need } from './memory-line.js';

const LEVELS: readonly MemoryPressure[] = ['normal', 'elevated', 'critical'];

export class Supply {
  readonly line: MemoryLine;
  readonly settings: CheckedConfig;
  /** The most bytes that one slice can have. */
  readonly largest: number;
  /** The most threads there can be. */
  readonly threadCount: number;
  readonly #words: Int32Array;

  /** @param words of the mill's dispatch, where its own thread says how short memory is */
  constructor(pools: BufferPools, words: Int32Array, settings: CheckedConfig, threadCount: number) {
    this.line = new MemoryLine(pools);
    this.largest = pools.largest;
    this.settings = settings;
    this.threadCount = threadCount;
    this.#words = words;
  }

  get pressure(): MemoryPressure {
    return LEVELS[Atomics.load(this.#words, PRESSURE)]!;
  }

  /** As {@link MemoryLine.wait}, for as long as the settings say. */
  wait(need: Need, signal: AbortSignal | undefined): Promise<Lot> {
    return this.line.wait(need, { timeoutMs: this.settings.acquireTimeoutMs, signal });
  }

  /** An operation on an object of so many bytes has taken a step down. */
  degraded(_from: PlainStrategy, _to: PlainStrategy, _bytes: number | undefined): void {}
}

/** Says how short memory is to all threads that submit. */
export function tellPressure(words: Int32Array, pressure: MemoryPressure): void {
  Atomics.store(words, PRESSURE, LEVELS.indexOf(pressure));
}
