/**
 * Relay: bytes go from one place to another as they are. A few slices go round: one is filled by the system
 * while others are written out by it, so that no byte is ever on the heap, and none is touched by JavaScript.
 *
 *   reader ──▶ │ slice slice slice slice │ ──in order──▶ sink
 */
import { AsyncResource } from 'node:async_hooks';
import type { MillraceError } from '@millrace/core';
import type { Submitter } from '../submitter.js';
import type { Lot } from '../supply/memory-line.js';
import { aborted, nothingYet, type FlowProgress, type FlowResult, type Sink } from './flow.js';
import { reading, writing } from './io-error.js';
import type { OpenSource } from './source.js';

const SLICE_BYTES = 256 * 1024;
/** More gain nothing: the system does one read and one write at a time. */
const MOST_SLICES = 4;
const NEED = { name: 'pump', inputBytes: SLICE_BYTES, outputBytes: 0 };

export interface RelayOptions {
  /** The most bytes that go. @defaultValue all there are */
  readonly length?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: FlowProgress) => void) | undefined;
}

/** A slice, and what of it was filled. */
interface Filled {
  readonly lot: Lot;
  readonly bytes: Uint8Array;
}

export class Relay {
  readonly #submitter: Submitter;
  readonly #source: OpenSource;
  readonly #sink: Sink;
  readonly #options: RelayOptions;
  readonly #startedAt = performance.now();
  readonly #stopping = new AbortController();
  /** In order. */
  readonly #filled: Filled[] = [];
  readonly #free: Lot[] = [];
  /** How many slices it has. */
  #held = 0;
  #left: number;
  #fed = false;
  #failure: { error: unknown } | undefined;
  #wake: (() => void)[] = [];
  #leave: (() => void) | undefined;
  readonly #result = nothingYet();

  constructor(submitter: Submitter, source: OpenSource, sink: Sink, options: RelayOptions) {
    this.#submitter = submitter;
    this.#source = source;
    this.#sink = sink;
    this.#options = options;
    this.#left = options.length ?? Infinity;
  }

  /** When it settles all slices are back, but one that a pipe may never fill. */
  async run(): Promise<FlowResult> {
    const { signal } = this.#options;
    const { supply } = this.#submitter;
    const { totalBytes } = this.#source;
    // What this destroys tells its listeners in the caller's asynchronous context, not in the aborter's.
    const onAbort = AsyncResource.bind(() => this.#stop(aborted(signal?.reason)));
    const leave = this.#submitter.flows.enter(
      AsyncResource.bind((error: MillraceError) => this.#stop(error)),
    );
    if (signal?.aborted) onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    supply.began(totalBytes, 'chunked');
    try {
      await Promise.all([this.#read(), this.#write()]);
    } finally {
      signal?.removeEventListener('abort', onAbort);
      leave();
      for (const lot of this.#free.splice(0)) this.#giveBack(lot);
      supply.took(totalBytes, performance.now() - this.#startedAt);
    }
    if (this.#failure) throw this.#failure.error;
    this.#result.elapsedMs = performance.now() - this.#startedAt;
    return { ...this.#result, strategy: 'chunked' };
  }

  async #read(): Promise<void> {
    try {
      while (!this.#failure && this.#left > 0) {
        const lot = await this.#lease();
        if (!lot) {
          await this.#change();
          continue;
        }
        const room = lot.input!.bytes.subarray(0, Math.min(SLICE_BYTES, this.#left));
        const count = await this.#fill(lot, room);
        if (count === 0) break;
        this.#left -= count;
        this.#result.bytesIn += count;
        this.#result.chunks++;
        this.#filled.push({ lot, bytes: room.subarray(0, count) });
        this.#changed();
      }
    } catch (error) {
      this.#stop(error);
    } finally {
      this.#fed = true;
      this.#changed();
    }
  }

  /** A slice; `undefined` while there is none but those that are being written. */
  async #lease(): Promise<Lot | undefined> {
    const free = this.#free.pop();
    if (free) return free;
    const { supply } = this.#submitter;
    if (this.#held === MOST_SLICES) return undefined;
    const lot =
      this.#held === 0 ? await supply.wait(NEED, this.#stopping.signal) : supply.line.take(NEED);
    if (!lot) return undefined;
    this.#held++;
    supply.lent(lot);
    return lot;
  }

  /** Reads into `room` of `lot`; 0 at the end, or when it was stopped. */
  async #fill(lot: Lot, room: Uint8Array): Promise<number> {
    const { reader, totalBytes } = this.#source;
    const count = reading(reader.read(room)).catch((error: unknown) => {
      this.#stop(error);
      return 0;
    });
    await new Promise<void>((resolve) => {
      this.#leave = resolve;
      if (this.#failure) resolve();
      void count.then(() => resolve());
    });
    if (!this.#failure) {
      if ((await count) === 0) this.#free.push(lot);
      return count;
    }
    const back = count.then(() => this.#giveBack(lot));
    reader.abort?.();
    // A read from a pipe may never come back: who was stopped does not wait for it, but its memory does.
    if (reader.abort || totalBytes !== undefined) await back;
    return 0;
  }

  async #write(): Promise<void> {
    for (;;) {
      const ready = this.#filled.splice(0);
      if (ready.length === 0) {
        if (this.#fed) return;
        await this.#change();
        continue;
      }
      try {
        if (!this.#failure) {
          await writing(this.#sink.write(ready.map(({ bytes }) => bytes)));
          for (const { bytes } of ready) this.#result.bytesOut += bytes.length;
          this.#tell();
        }
      } catch (error) {
        this.#stop(error);
      } finally {
        for (const { lot } of ready) this.#free.push(lot);
        this.#changed();
      }
    }
  }

  #tell(): void {
    const { bytesIn, bytesOut } = this.#result;
    const { onProgress, length = Infinity } = this.#options;
    const { totalBytes: size } = this.#source;
    const totalBytes = size === undefined ? undefined : Math.min(size, length);
    const elapsedMs = performance.now() - this.#startedAt;
    onProgress?.({ bytesIn, bytesOut, totalBytes, elapsedMs });
  }

  #stop(error: unknown): void {
    if (this.#failure) return;
    this.#failure = { error };
    this.#stopping.abort();
    this.#sink.abort?.(error);
    this.#leave?.();
    this.#changed();
  }

  #giveBack(lot: Lot): void {
    lot.input!.release();
    this.#submitter.supply.tookBack(lot);
  }

  /** Resolves with the next change. */
  #change(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  #changed(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}
