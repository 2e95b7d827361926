/**
 * The chunk window beneath every flow: the chunks of one object are read in order, transformed by all
 * workers at once, and written in order. The window bounds how many there are at a time, and so the
 * memory, whatever the object's size.
 *
 *   feed ──fill──▶ │ chunk chunk chunk … │ ──in order──▶ sink
 *                  └──── the window ─────┘
 */
import { AsyncResource } from 'node:async_hooks';
import { MillraceError, type Slice } from '@millrace/core';
import { PAGE_BYTES } from '@millrace/core/internal';
import type { LargeGate } from '../dispatch/large-gate.js';
import type { Submitter } from '../submitter.js';
import type { Plan } from '../supply/plan.js';
import type { Frame } from '../ops/definition.js';
import type { Configured } from '../ops/configurations.js';
import type { Terms } from '../dispatch/task.js';
import { Chunk, partTerms } from './chunk.js';
import {
  aborted,
  nothingYet,
  type FlowOptions,
  type FlowResult,
  type RangeFiles,
  type Sink,
} from './flow.js';
import { reading, writing } from './io-error.js';
import { Reduction, merged } from './reduction.js';
import { WindowMemory } from './window-memory.js';

/** Where chunks get their input. */
export interface Feed {
  /**
   * Sets the chunk's length, lead and `last`, and either its file and position or the bytes of its
   * slice. Called once for each chunk, one after the other, until one is the last.
   */
  fill(chunk: Chunk): Promise<void>;
  /** Looks, before the next chunk gets its slices, what it will need. */
  prepare?(): Promise<void>;
  /** The bytes that a chunk's slice must have. */
  readonly inputBytes: number;
  /** Makes a fill that may never come back come back: the flow has been stopped. Absent where that cannot be done. */
  readonly abort: (() => void) | undefined;
  /** The size of the whole input in bytes, when it is known. */
  readonly totalBytes: number | undefined;
  /** The slice for all of it, of which the next chunk is a range; absent when that has one of its own. */
  readonly slice?: Slice | undefined;
}

export class ChunkWindow {
  readonly #submitter: Submitter;
  readonly #config: Configured;
  readonly #feed: Feed;
  readonly #sink: Sink;
  /** Where workers write their own output: what is changed in place stays at its position. */
  readonly #files: RangeFiles | undefined;
  readonly #options: FlowOptions;
  readonly #plan: Plan;
  readonly #memory: WindowMemory;
  /** In the order of the input. */
  readonly #chunks: Chunk[] = [];
  readonly #startedAt = performance.now();
  readonly #result = nothingYet();
  readonly #gate: LargeGate;
  readonly #reduction: Reduction;
  readonly #terms: Terms;
  readonly #large: boolean;
  readonly #weight: number;
  readonly #stopping = new AbortController();
  /** Chunks in the hands of the workers: while there are any, a large operation holds a permit. */
  #atWork = 0;
  #permitted = false;
  #fed = false;
  #failure: { error: unknown } | undefined;
  #wake: (() => void)[] = [];

  constructor(
    submitter: Submitter,
    config: Configured,
    feed: Feed,
    sink: Sink,
    plan: Plan,
    options: FlowOptions,
  ) {
    this.#submitter = submitter;
    this.#config = config;
    this.#feed = feed;
    this.#sink = sink;
    this.#files = config.kind === 'in-place' ? sink.files : undefined;
    this.#options = options;
    this.#plan = plan;
    const { supply } = submitter;
    this.#memory = new WindowMemory(supply, config, feed, plan, this.#stopping.signal);
    this.#gate = options.gate ?? submitter.large;
    this.#large = this.#gate.isLarge(feed.totalBytes);
    this.#weight = this.#gate.weightOf(feed.totalBytes);
    this.#terms = partTerms(options.terms, this.#large, this.#gate.exempt);
    this.#reduction = new Reduction(config);
  }

  /** Runs the whole flow. When it settles, no task of it is left and all its slices are back. */
  async run(): Promise<FlowResult> {
    const { signal } = this.#options;
    // What this destroys tells its listeners in the caller's asynchronous context, not in the aborter's.
    const onAbort = AsyncResource.bind(() => this.#stop(aborted(signal?.reason)));
    const leave = this.#submitter.flows.enter(
      AsyncResource.bind((error: MillraceError) => this.#stop(error)),
    );
    if (signal?.aborted) onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      await Promise.all([this.#read(), this.#write()]);
    } finally {
      signal?.removeEventListener('abort', onAbort);
      leave();
      this.#memory.close();
      this.#submitter.supply.took(this.#plan.bytes, performance.now() - this.#startedAt);
    }
    if (this.#failure) throw this.#failure.error;
    this.#result.elapsedMs = performance.now() - this.#startedAt;
    return { ...this.#result, strategy: this.#plan.strategy };
  }

  /** What was not done as it was asked for, and why: each a sentence. */
  get notes(): readonly string[] {
    return this.#plan.notes;
  }

  /** What has come of a flow through an op that gives a value. */
  get value(): unknown {
    return this.#reduction.value;
  }

  /** Fills chunks and submits them, as long as the window has room. */
  async #read(): Promise<void> {
    try {
      checkSize(this.#submitter, this.#config, this.#feed);
      while (!this.#failure) {
        if (this.#memory.isFull) {
          await this.#change();
          continue;
        }
        if (this.#feed.prepare) await reading(this.#feed.prepare());
        const slices = await this.#memory.lease();
        if (!slices) {
          if (this.#memory.isLent && !this.#failure) await this.#change();
          continue;
        }
        const chunk = new Chunk(this.#config, this.#terms, slices, () => this.#onSettled());
        if (!(await this.#fill(chunk))) return;
        if (this.#files) chunk.target = fileFor(chunk, this.#files);
        if (!(await this.#submit(chunk))) return;
        if (chunk.last) return;
      }
    } catch (error) {
      this.#stop(error);
    } finally {
      this.#fed = true;
      this.#changed();
    }
  }

  /** Offers a chunk to the workers, with a permit if the operation is large; false when it was stopped meanwhile. */
  async #submit(chunk: Chunk): Promise<boolean> {
    if (this.#large && !this.#permitted) {
      try {
        if (!this.#gate.tryEnter(this.#weight)) {
          await this.#gate.enter(this.#weight, this.#stopping.signal);
        }
      } catch {
        // Stopped: nothing else ends the wait.
        this.#memory.takeBack(chunk);
        return false;
      }
      this.#permitted = true;
    }
    if (this.#failure) {
      // Stopped since it was filled, or as its permit came.
      this.#memory.takeBack(chunk);
      this.#leaveAtRest();
      return false;
    }
    this.#atWork++;
    this.#chunks.push(chunk);
    this.#submitter.submit(chunk);
    return true;
  }

  #onSettled(): void {
    this.#atWork--;
    this.#leaveAtRest();
    this.#changed();
  }

  /** Gives the permit back when no chunk is at work. */
  #leaveAtRest(): void {
    if (this.#atWork > 0 || !this.#permitted) return;
    this.#permitted = false;
    this.#gate.leave(this.#weight);
  }

  /** False when the flow was stopped meanwhile; the chunk is then released once nobody writes to it. */
  async #fill(chunk: Chunk): Promise<boolean> {
    const filling = reading(this.#feed.fill(chunk));
    let filled = false;
    const watch = filling.then(
      () => (filled = true),
      (error: unknown) => this.#stop(error),
    );
    while (!filled && !this.#failure) await Promise.race([watch, this.#change()]);
    if (!this.#failure) return true;
    const released = watch.then(() => this.#memory.takeBack(chunk));
    this.#feed.abort?.();
    // A read from a pipe may never come back: a stopped flow does not wait for it, but its memory does.
    if (this.#feed.abort) await released;
    return false;
  }

  /** Writes what is finished, in order. */
  async #write(): Promise<void> {
    const frame = frameOf(this.#config);
    let state: unknown;
    try {
      const { params } = this.#config;
      state = frame && merged(this.#config, () => frame.start(params));
      const head = frame && merged(this.#config, () => frame.head(params));
      if (head && head.length > 0 && !this.#failure) await this.#put([head]);
    } catch (error) {
      this.#stop(error);
    }
    for (;;) {
      const ready = this.#takeReady();
      if (ready.length === 0) {
        if (this.#chunks.length === 0 && this.#fed) break;
        await this.#change();
        continue;
      }
      try {
        if (!this.#failure) {
          for (const chunk of ready) this.#check(chunk);
          if (this.#files) for (const chunk of ready) this.#result.bytesOut += chunk.size;
          else if (this.#config.kind !== 'value') await this.#put(ready.map(({ bytes }) => bytes));
          for (const chunk of ready) {
            const { value, length } = chunk;
            if (frame) state = merged(this.#config, () => frame.join(state, Number(value), length));
            this.#reduction.add(value, length);
            this.#count(chunk);
          }
          this.#tell();
        }
      } catch (error) {
        this.#stop(error);
      } finally {
        for (const chunk of ready) this.#memory.takeBack(chunk);
        this.#changed();
      }
    }
    if (this.#failure || !frame) return;
    try {
      await this.#put([merged(this.#config, () => frame.tail(state))]);
    } catch (error) {
      this.#stop(error);
    }
  }

  /** The finished chunks at the front. */
  #takeReady(): Chunk[] {
    let count = 0;
    while (this.#chunks[count]?.settled) count++;
    return this.#chunks.splice(0, count);
  }

  #check(chunk: Chunk): void {
    if (chunk.error !== undefined) throw chunk.error;
    if (chunk.inputEnded) {
      throw new MillraceError(
        'ERR_INPUT_CHANGED',
        `Cannot go on as the input ended before byte ${chunk.position + chunk.length}: it shrank while it was read`,
      );
    }
  }

  async #put(parts: readonly Uint8Array[]): Promise<void> {
    await writing(this.#sink.write(parts));
    for (const part of parts) this.#result.bytesOut += part.length;
  }

  #count(chunk: Chunk): void {
    this.#result.bytesIn += chunk.length;
    this.#result.chunks++;
    this.#submitter.supply.books.usage.moved(chunk.length);
    this.#result.retries += chunk.trouble?.deaths ?? 0;
  }

  #tell(): void {
    this.#options.onProgress?.({
      bytesIn: this.#result.bytesIn,
      bytesOut: this.#result.bytesOut,
      totalBytes: this.#feed.totalBytes,
      elapsedMs: performance.now() - this.#startedAt,
    });
  }

  #stop(error: unknown): void {
    if (this.#failure) return;
    this.#failure = { error };
    this.#stopping.abort(error);
    this.#sink.abort?.(error);
    for (const chunk of this.#chunks) this.#submitter.stop(chunk, error);
    this.#changed();
  }

  /** Resolves when a chunk has settled or left the window, or the flow has been stopped. */
  #change(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  #changed(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}

/** What stands around the outputs, if anything does. */
function frameOf({ definition: { merge } }: Configured): Frame<unknown, unknown> | undefined {
  return typeof merge === 'object' ? merge : undefined;
}

function fileFor(chunk: Chunk, { plain, direct }: RangeFiles): number {
  const begins = (chunk.offset + chunk.lead) % PAGE_BYTES === 0;
  const whole = begins && chunk.length % PAGE_BYTES === 0;
  return whole ? (direct ?? plain) : plain;
}

/** @throws MillraceError `ERR_INVALID_ARG` when no slice could hold a chunk */
export function checkSize(
  { buffers }: Submitter,
  { name, url, definition }: Configured,
  feed: Feed,
): void {
  const { size, overlap = 0 } = definition.split!;
  const { largest } = buffers;
  if (feed.inputBytes <= largest) return;
  throw new MillraceError(
    'ERR_INVALID_ARG',
    `Cannot run "${name}" of ${url} in chunks of ${size} bytes with an overlap of ${overlap} as a slice holds ${largest} at most`,
  );
}
