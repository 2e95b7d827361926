/** Run: one op on bytes or on a slice, and its result. */
import { MillraceError, Slice } from '@millrace/core';
import type { SlotRef } from '@millrace/core/internal';
import type { Coordinator } from '../coordinator.js';
import { IN_OUTPUT, IN_PLACE, NOTHING, NUMBER } from '../dispatch/layout.js';
import type { Outcome, Task } from '../dispatch/task.js';
import type { Configured } from '../ops/configurations.js';
import { ChunkWindow, type FlowOptions } from './chunk-window.js';
import { CollectingSink } from './sinks.js';
import { describe, openSource } from './source.js';

/** A task that is not part of a larger object. */
class SingleTask implements Task {
  readonly config: Configured;
  readonly idempotent: boolean;
  readonly offset = 0;
  readonly lead = 0;
  readonly file = -1;
  readonly position = 0;
  readonly last = true;
  deaths = 0;
  readonly #given: Slice | undefined;
  readonly #input: Slice | undefined;
  readonly #output: Slice | undefined;
  readonly #resolve: (result: unknown) => void;
  readonly #reject: (error: unknown) => void;

  /** `given` is the user's slice; without one, `input` is ours and is released. */
  constructor(
    config: Configured,
    given: Slice | undefined,
    input: Slice | undefined,
    output: Slice | undefined,
    resolve: (result: unknown) => void,
    reject: (error: unknown) => void,
  ) {
    this.config = config;
    this.idempotent = config.kind !== 'in-place';
    this.#given = given;
    this.#input = input;
    this.#output = output;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  get input(): SlotRef | -1 {
    return this.#input?.ref ?? -1;
  }

  get length(): number {
    return this.#input?.byteLength ?? 0;
  }

  get output(): SlotRef | -1 {
    return this.#output?.ref ?? -1;
  }

  get room(): number {
    return this.#output?.byteLength ?? 0;
  }

  done(outcome: Outcome): void {
    const result = this.#resultOf(outcome);
    this.#release();
    this.#resolve(result);
  }

  failed(error: unknown): void {
    this.#release();
    this.#reject(error);
  }

  #resultOf({ kind, size, value, payload }: Outcome): unknown {
    if (kind === NUMBER) return value;
    if (kind === NOTHING) return undefined;
    // In place: the user's slice has changed, or the changed copy of the user's bytes is the result.
    if (kind === IN_PLACE) return this.#given ?? this.#input?.bytes.slice() ?? new Uint8Array(0);
    if (kind === IN_OUTPUT) return this.#output!.bytes.slice(0, size);
    return payload;
  }

  #release(): void {
    if (!this.#given) this.#input?.release();
    this.#output?.release();
  }
}

/** @throws MillraceError unless `data` is nothing, bytes, or a slice that this mill has lent and that was not released */
function check({ buffers }: Coordinator, { name }: Configured, data: unknown): void {
  if (data === undefined || data instanceof Uint8Array) return;
  if (!(data instanceof Slice)) {
    throw new MillraceError(
      'ERR_INVALID_ARG',
      `Cannot run "${name}" on ${typeof data === 'object' ? describe(data) : `a ${typeof data}`}: give a Uint8Array or a slice`,
    );
  }
  if (data.owner !== buffers) {
    throw new MillraceError('ERR_SLICE_FOREIGN', `Cannot run "${name}" on a slice of another mill`);
  }
  if (!data.live) {
    throw new MillraceError('ERR_SLICE_STALE', `Cannot run "${name}" on a slice that was released`);
  }
}

export function run(
  coordinator: Coordinator,
  config: Configured,
  data: Uint8Array | Slice | undefined,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const { buffers } = coordinator;
    check(coordinator, config, data);
    const given = data instanceof Slice ? data : undefined;
    let input = given;
    let output: Slice | undefined;
    try {
      if (!given && data !== undefined && data.byteLength > 0) {
        input = buffers.acquire(data.byteLength);
        input.bytes.set(data as Uint8Array);
      }
      if (config.kind === 'transform') {
        const bound = config.definition.outputBound!(data?.byteLength ?? 0, config.params);
        output = buffers.acquire(Math.max(1, bound));
      }
    } catch (error) {
      if (!given) input?.release();
      throw error;
    }
    coordinator.submit(new SingleTask(config, given, input, output, resolve, reject));
  });
}

/** Runs an op that says how to cut its input over bytes of any size. */
export async function runChunked(
  coordinator: Coordinator,
  config: Configured,
  data: Uint8Array | Slice | undefined,
  options: FlowOptions,
): Promise<Uint8Array> {
  check(coordinator, config, data);
  const source = await openSource(data instanceof Slice ? data.bytes : (data ?? new Uint8Array(0)));
  const sink = new CollectingSink();
  const feed = source.feed(config.definition.chunk!);
  await new ChunkWindow(coordinator, config, feed, sink, options).run();
  return sink.bytes;
}
