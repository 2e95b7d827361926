/**
 * The mill as an async iterable: bytes are pulled out of it, and it pulls them out of its source.
 *
 * The flow begins with the first pull and ends with the last: at the output's end, with an error, or
 * when the consumer leaves, as `break` does. Then the source is closed, and all slices are back.
 */
import { AsyncResource } from 'node:async_hooks';
import type { BufferPoolStrategy } from '@millrace/core';
import type { Submitter } from '../submitter.js';
import type { Configured } from '../ops/configurations.js';
import type { Sink } from './flow.js';
import { openWindow } from './open-window.js';
import { letGo, withSource, type FlowSource } from './source.js';

export interface IterateOptions {
  readonly signal?: AbortSignal;
  /**
   * Gives pieces that are views onto shared memory, valid until the next one is pulled, instead of
   * private copies: for a consumer that is done with each piece before it asks for another.
   *
   * @defaultValue false
   */
  readonly views?: boolean;
  /** How the object is held: see `mill.pump`. @defaultValue 'adaptive' */
  readonly strategy?: BufferPoolStrategy;
}

type Result = IteratorResult<Uint8Array, undefined>;

interface Pull {
  resolve(result: Result): void;
  reject(error: unknown): void;
}

const DONE: Result = { done: true, value: undefined };

/** Gives parts to whoever pulls, one a pull. */
class PulledSink implements Sink {
  readonly #views: boolean;
  readonly #pulls: Pull[] = [];
  #stopped: { error: unknown } | undefined;
  #left = false;
  #ended: { failure?: { error: unknown } | undefined } | undefined;
  #wake: (() => void) | undefined;

  constructor(views: boolean) {
    this.#views = views;
  }

  pull(): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#pulls.push({ resolve, reject });
      if (this.#ended) this.end(this.#ended.failure);
      else this.#wake?.();
    });
  }

  async write(parts: readonly Uint8Array[]): Promise<void> {
    for (const part of parts) {
      if (part.length === 0) continue;
      await this.#until(() => this.#pulls.length > 0 || this.#stopped !== undefined);
      if (this.#stopped) throw this.#stopped.error;
      this.#pulls.shift()!.resolve({ done: false, value: this.#views ? part : part.slice() });
      // Even a flow that is stopped waits: the consumer is done with a view when it pulls again, or leaves.
      if (this.#views) await this.#until(() => this.#pulls.length > 0 || this.#left);
    }
  }

  abort(error: unknown): void {
    this.#stopped = { error };
    this.#wake?.();
  }

  /** The consumer will not pull again. */
  leave(): void {
    this.#left = true;
    this.#wake?.();
  }

  /** The flow is over: the first who pulls is told why if it failed, all others that there is no more. */
  end(failure?: { error: unknown }): void {
    const first = failure && this.#pulls.shift();
    this.#ended = first ? {} : { failure };
    first?.reject(failure?.error);
    for (const pull of this.#pulls.splice(0)) pull.resolve(DONE);
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => (this.#wake = resolve));
  }
}

/** `ended` is called once, when no task of it is left and none will come. */
export function iterate(
  submitter: Submitter,
  config: Configured,
  from: FlowSource,
  { signal, views = false, strategy }: IterateOptions,
  ended: () => void,
): AsyncIterableIterator<Uint8Array, undefined, void> {
  const sink = new PulledSink(views);
  const stop = new AbortController();
  const onAbort = (): void => stop.abort(signal?.reason);
  let flow: Promise<void> | undefined;
  let left = false;

  const run = async (): Promise<void> => {
    if (signal?.aborted) onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      await withSource(from, stop.signal, async (source) => {
        const options = { signal: stop.signal, strategy };
        return (await openWindow(submitter, config, source, sink, options)).run();
      });
      sink.end();
    } catch (error) {
      sink.end(left ? undefined : { error });
    } finally {
      signal?.removeEventListener('abort', onAbort);
      ended();
    }
  };
  // The source runs in the asynchronous context of whoever made the iterable, not of whoever pulls first.
  const begin = AsyncResource.bind(() => (flow ??= run()));

  return {
    next() {
      void begin();
      return sink.pull();
    },
    async return() {
      left = true;
      stop.abort();
      sink.leave();
      await (flow ??= letGo(from).finally(ended));
      sink.end();
      return DONE;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
