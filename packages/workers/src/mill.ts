/** The mill: the face of the runtime. */
import type { Duplex } from 'node:stream';
import type { Worker } from 'node:worker_threads';
import {
  AdaptiveBufferPool,
  MillraceError,
  type BufferPools,
  type GcImpact,
  type MemoryManager,
  type Slice,
} from '@millrace/core';
import type { MillHandle } from './branches.js';
import { Coordinator } from './coordinator.js';
import { generate } from './flow/generate.js';
import { iterate, type IterateOptions } from './flow/iterate.js';
import { Calls, type CallOptions } from './flow/call.js';
import { pump, pumpAsItIs, pumpToValue, type PumpReport } from './flow/pump.js';
import { checkedLimits } from './dispatch/limits.js';
import { run } from './flow/run.js';
import type { RunOptions } from './dispatch/task-options.js';
import { checkStrategy, flowing, reducing, type FlowOp } from './flow/flow-op.js';
import type { FlowSource } from './flow/source.js';
import { stream } from './flow/stream.js';
import { web, type WebPair } from './flow/web.js';
import type { Configured } from './ops/configurations.js';
import type {
  MillOptions,
  PlainPumpOptions,
  PumpOptions,
  PumpToValueOptions,
  StreamOptions,
} from './mill-options.js';
import type { MillStats } from './mill-stats.js';
import type { GeneratorOp, InPlaceOp, Op } from './ops/define-op.js';
import type { OpAddress } from './ops/warmth.js';
import { checked } from './threads/settings.js';
import type { MapOptions } from './files/map-options.js';
import type { MappedRange } from './files/mapped-range.js';
import type { FunctionReference } from './ops/functions.js';
import { load } from './ops/load.js';
import { GcImpactWatch } from './pressure/gc-impact.js';
import { Remotes, type Remote, type RemoteOptions } from './remote/remotes.js';
import { BYTES_IN, BYTES_OUT, GAVE_WAY, TASKS_RUN } from './threads/messages.js';

export { readerOf, writerOf } from './flow/node-byte-io.js';
export { proxy } from 'comlink';
export { attachMill } from './mill-branch.js';

const MiB = 1024 * 1024;

let threadsOf: (mill: Mill) => readonly Worker[];

export class Mill implements AsyncDisposable {
  static {
    threadsOf = (mill) => mill.#coordinator.crew.everyone.map(({ worker }) => worker);
  }

  readonly #coordinator: Coordinator;
  readonly #calls: Calls;
  readonly #remotes: Remotes;
  readonly #gcImpact = new GcImpactWatch();
  #adaptive: AdaptiveBufferPool | undefined;

  /** Use {@link createMill}. */
  constructor(coordinator: Coordinator) {
    this.#coordinator = coordinator;
    this.#calls = new Calls(coordinator);
    this.#remotes = new Remotes(coordinator);
  }

  /** The pools of shared memory: `acquire(bytes)` leases a slice. */
  get buffers(): BufferPools {
    return this.#coordinator.buffers;
  }

  /**
   * How short memory is, by the pools, the process, its cgroup and the machine: `memory.pressure`,
   * `memory.usage()`, `memory.onPressure(listener)`. It is sampled while the mill is at work, or somebody asks for
   * the pressure; idle memory goes back by itself, the sooner the shorter it is.
   */
  get memory(): MemoryManager {
    return this.#coordinator.memory;
  }

  /**
   * Buffers, copies and tees by the size of their objects, over {@link buffers}; its thresholds are the
   * mill's, and so are the cap and the pressure that it goes by. `adaptive.stats()` counts the mill's own
   * operations on this thread as well; those on a slice that the caller gives only if their output is made in
   * chunks.
   */
  get adaptive(): AdaptiveBufferPool {
    if (this.#adaptive) return this.#adaptive;
    const { buffers, memory, large: gate, supply } = this.#coordinator;
    const { settings, books } = supply;
    if (settings.enableDetailedMetrics) this.#gcImpact.start();
    const gcImpact = (): GcImpact => this.#gcImpact.figures();
    this.#adaptive = new AdaptiveBufferPool(buffers, settings, { memory, gate, gcImpact, books });
    return this.#adaptive;
  }

  /**
   * Runs an op on bytes, which are copied in and whose result is copied out, or on a slice without a
   * copy. An op that says how to cut its input takes bytes of any size, others one slice of at most
   * `buffers.largest` bytes: 64 MiB, or up to 1 GiB where `memory` is larger than 4 GiB.
   *
   * An op that generates begins with the first pull, and runs ahead by 16 outputs at most. Bytes that it
   * yields come as a copy, slices as slices that are to be released, anything else as a clone. When the
   * consumer leaves, it is ended: at its next `yield`, or after `graceMs` with its thread.
   *
   * @returns what the op makes of it: for an in-place op the slice itself, or the changed copy; for one
   *   that generates an iterable of its outputs, which rejects with the errors
   * @throws MillraceError `ERR_OP_FAILED`, `ERR_OP_LOAD`, `ERR_OP_OUTPUT`, `ERR_PARAMS_NOT_CLONEABLE`,
   *   `ERR_POOL_EXHAUSTED`, `ERR_SIZE`, `ERR_SLICE_STALE`, `ERR_SLICE_FOREIGN`, `ERR_WORKER_DIED`,
   *   `ERR_MILL_CLOSED`, `ERR_MILL_UNHEALTHY`
   */
  run<P>(op: InPlaceOp<P>, data: Slice, params?: NoInfer<P>, options?: RunOptions): Promise<Slice>;
  run<P>(
    op: InPlaceOp<P>,
    data?: Uint8Array,
    params?: NoInfer<P>,
    options?: RunOptions,
  ): Promise<Uint8Array>;
  run<P, Y>(
    op: GeneratorOp<P, Y>,
    data?: Uint8Array | Slice,
    params?: NoInfer<P>,
    options?: RunOptions,
  ): AsyncIterableIterator<Y, undefined, void>;
  run<P, R>(
    op: Op<P, R>,
    data?: Uint8Array | Slice,
    params?: NoInfer<P>,
    options?: RunOptions,
  ): Promise<R>;
  run<P>(
    op: Op<P, unknown>,
    data?: Uint8Array | Slice,
    params?: P,
    options?: RunOptions,
  ): Promise<unknown> | AsyncIterableIterator<unknown, undefined, void> {
    if (isGenerator(op)) return generate(this.#coordinator, { op, data, params, options });
    // No async function around it: for a small task its frame would cost more than all the rest.
    let config: Configured;
    try {
      config = this.#coordinator.configure(op, params);
    } catch (error) {
      return Promise.reject(error);
    }
    return run(this.#coordinator, config, data, options);
  }

  /**
   * Has every thread import the modules of these ops, and those that start later too, so that no task
   * waits for that. Resolves when all that are there have.
   *
   * @throws MillraceError `ERR_INVALID_ARG`, `ERR_OP_LOAD`, `ERR_MILL_CLOSED`, `ERR_MILL_UNHEALTHY`
   */
  async warmUp(...ops: readonly OpAddress[]): Promise<void> {
    for (const op of ops) {
      if (typeof op?.url === 'string' && typeof op.name === 'string') continue;
      throw new MillraceError(
        'ERR_INVALID_ARG',
        `Cannot warm up a value of type ${typeof op} as it is not an op: make one with defineOp`,
      );
    }
    await this.#coordinator.warmUp(ops);
  }

  /** Resolves when there is room for a task: fewer than `maxQueue` are in flight or wait for memory. */
  ready(): Promise<void> {
    return this.#coordinator.room();
  }

  /**
   * Sends one object through an op, from a file, descriptor, stream or bytes to a file, descriptor or
   * stream, in constant memory. Files are read by the workers themselves. With an op that gives a value
   * there is no target, and the report holds the value.
   *
   * Without an op the bytes go as they are, as `sendfile` has them go: the system reads them into a few slices
   * and writes them out of these. From and to files, descriptors and sockets no byte is on the heap.
   *
   * @throws MillraceError `ERR_ABORTED`, `ERR_INPUT_CHANGED`, `ERR_TARGET_EXISTS` and those of
   *   {@link run}; the system's errors (`ENOENT`, `ENOSPC` …) as they are
   */
  pump<P>(options: PumpOptions<P>): Promise<PumpReport>;
  pump<P, R>(options: PumpToValueOptions<P, R>): Promise<PumpReport<R>>;
  pump(options: PlainPumpOptions): Promise<PumpReport>;
  async pump<P>(
    options: PumpOptions<P> | PumpToValueOptions<P, unknown> | PlainPumpOptions,
  ): Promise<PumpReport<unknown>> {
    if (isPlain(options)) return pumpAsItIs(this.#coordinator, options.from, options.to, options);
    const { from, params, signal, onProgress, direct, strategy } = options;
    const flow = { signal, onProgress, direct, strategy };
    checkStrategy(strategy);
    const config = this.#coordinator.configure<P>(
      options.to === undefined ? reducing(options.op) : flowing(options.op),
      params,
    );
    try {
      return options.to === undefined
        ? await pumpToValue(this.#coordinator, config, from, flow)
        : await pump(this.#coordinator, config, from, options.to, flow);
    } finally {
      this.#coordinator.release(config);
    }
  }

  /**
   * Maps a range of a file into slices of {@link buffers}: it is read when it is looked at, changed where it
   * lies, and written back when it is flushed or closed. Ops work on its slices without a copy. It takes no
   * more memory than `cacheBytes`, however large it is.
   *
   * Two ranges of one file know nothing of each other.
   *
   * @throws MillraceError `ERR_READ` when it cannot be opened, `ERR_WRITE` when it cannot be made longer,
   *   `ERR_INVALID_ARG`, `ERR_ABORTED`
   */
  async mapFile(path: string | URL, options?: MapOptions): Promise<MappedRange> {
    const { buffers, memory, supply } = this.#coordinator;
    const { acquireTimeoutMs: timeoutMs } = supply.settings;
    // Whoever maps no file need not wait until all that is loaded.
    const { mapFile } = await import('./files/mapped-range.js');
    return mapFile({ buffers, memory, timeoutMs }, path, options);
  }

  /**
   * The op as a Node `Duplex`, for `pipeline`. Its listeners run in the asynchronous context in which it
   * was made.
   *
   * @throws MillraceError for wrong params; the stream errors as {@link pump} rejects
   */
  stream<P>(op: FlowOp<P>, params?: NoInfer<P>, options: StreamOptions = {}): Duplex {
    checkStrategy(options.strategy);
    const config = this.#coordinator.configure(flowing(op), params);
    return stream(this.#coordinator, config, options).once('close', () =>
      this.#coordinator.release(config),
    );
  }

  /**
   * The op as a pair of web streams, for `pipeThrough`. Bytes are copied in and out, since web APIs do not
   * take shared memory. To cancel one side or abort the other ends both, and resolves when all slices are
   * back.
   *
   * @throws MillraceError for wrong params; the streams error as {@link pump} rejects
   */
  web<P>(op: FlowOp<P>, params?: NoInfer<P>, options: StreamOptions = {}): WebPair {
    checkStrategy(options.strategy);
    const config = this.#coordinator.configure(flowing(op), params);
    return web(this.#coordinator, config, options, () => this.#coordinator.release(config));
  }

  /**
   * Sends one object through an op, and gives the output piece by piece to whoever pulls: each piece is a
   * private copy, or with `views: true` a view onto shared memory, valid until the next pull. The source is
   * read no further ahead than the window of chunks. Nothing is read before the first pull; to leave early,
   * as `break` does, stops the flow, closes the source, and resolves when all slices are back.
   *
   * @param from as for {@link pump}
   * @throws MillraceError for wrong params; a pull rejects as {@link pump} does: `ERR_READ` with the source's
   *   error as `cause`, `ERR_OP_FAILED`, `ERR_ABORTED` …
   */
  iterate<P>(
    op: FlowOp<P>,
    from: FlowSource,
    params?: NoInfer<P>,
    options: IterateOptions = {},
  ): AsyncIterableIterator<Uint8Array, undefined, void> {
    checkStrategy(options.strategy);
    const config = this.#coordinator.configure(flowing(op), params);
    return iterate(this.#coordinator, config, from, options, () =>
      this.#coordinator.release(config),
    );
  }

  /**
   * Imports a module on the calling thread, for code that does not import it statically: its ops are for
   * {@link run} and its kin, its functions for {@link call}.
   *
   * ```ts
   * const { shrink } = await mill.load<typeof import('./ops.js')>(new URL('./ops.js', import.meta.url));
   * ```
   *
   * @returns the module's exports; taking one that it has not throws `ERR_OP_LOAD`
   * @throws MillraceError `ERR_INVALID_ARG` for what is no URL; `ERR_OP_LOAD` when it cannot be imported,
   *   throws while it is, exports an op under another name than its own, or neither op nor function
   */
  async load<M extends object = Record<string, unknown>>(url: string | URL): Promise<Readonly<M>> {
    return (await load(url)) as Readonly<M>;
  }

  /**
   * Calls a function on a worker. It is one that a module exports: loaded by {@link load}, defined with
   * `defineFunction`, or named by `{ url, name }`.
   *
   * Arguments and result are cloned, as `structuredClone` does. Slices in them, at any depth in plain
   * objects, arrays, Maps and Sets, are not: those among the arguments are lent to the function until it
   * ends, those in its result are the caller's from then on.
   *
   * @throws MillraceError `ERR_OP_FAILED`, with what the function threw as `cause`; `ERR_OP_LOAD`,
   *   `ERR_OP_OUTPUT` when the result cannot be cloned, `ERR_PARAMS_NOT_CLONEABLE`, `ERR_SLICE_STALE`,
   *   `ERR_SLICE_FOREIGN`, `ERR_WORKER_DIED`, `ERR_MILL_CLOSED`, `ERR_INVALID_ARG`
   */
  call<R>(fn: () => R): Promise<Awaited<R>>;
  call<A extends unknown[], R>(
    fn: (...args: A) => R,
    args: NoInfer<A>,
    options?: CallOptions,
  ): Promise<Awaited<R>>;
  call<R = unknown>(
    fn: FunctionReference,
    args?: readonly unknown[],
    options?: CallOptions,
  ): Promise<R>;
  call(
    fn: ((...args: never[]) => unknown) | FunctionReference,
    args: readonly unknown[] = [],
    options?: CallOptions,
  ): Promise<unknown> {
    return this.#calls.call(fn, args, options);
  }

  /**
   * Makes an object in a worker thread, whose methods can be called from here: each returns a promise, as
   * comlink's `Remote` does. The export is a class, which is constructed; a function, whose result it is;
   * or the object itself. It lives in one thread until it is disposed of, by `await using` for instance;
   * if it was made for this, its own `Symbol.asyncDispose` or `Symbol.dispose` is called there then.
   *
   * Slices among the arguments of a call are lent for its time, those in its result are handed over, as
   * with {@link call}. Callbacks go by comlink's `proxy`. What a method throws is thrown here, with its
   * name, code and properties.
   *
   * @throws MillraceError `ERR_INVALID_ARG`; `ERR_OP_LOAD` when there is no such export; `ERR_OP_FAILED`, with
   *   what was thrown as `cause`, when it cannot be made. Calls reject with `ERR_WORKER_DIED` when its
   *   thread has died, `ERR_REMOTE_RELEASED`, `ERR_MILL_CLOSED`, and as {@link call} does for its slices
   */
  async remote<T extends object>(
    url: string | URL,
    name: string,
    options: RemoteOptions = {},
  ): Promise<Remote<T>> {
    return (await this.#remotes.open(url, name, options)) as Remote<T>;
  }

  /**
   * What another thread of this process needs to submit tasks of its own, by `attachMill`: for one
   * thread, once. Send it with its port among what is transferred.
   *
   * @throws MillraceError `ERR_MILL_CLOSED`, `ERR_TOO_MANY_THREADS`
   */
  handle(): MillHandle {
    return this.#coordinator.invite();
  }

  /** What has happened so far: a plain object, cheap to make. */
  stats(): MillStats {
    const { counters, ...buffers } = { counters: this.buffers.counters, ...this.buffers.stats() };
    const { deaths, recycled, health, lastCause, ...tasks } = this.#coordinator.stats();
    const threads = this.#coordinator.crew.workers.map(({ id, threadId, name, nice }) => {
      return { id, threadId, name, nice, remotes: this.#remotes.count(id) };
    });
    const { line, books, lastDegradation } = this.#coordinator.supply;
    const { pooledOperations, chunkedOperations, directOperations } = books.usage.stats();
    const count = (counter: number): number => counters.sum(counter);
    return {
      threads,
      tasks: { ...tasks, inFlight: this.#coordinator.inFlight, run: count(TASKS_RUN) },
      deaths,
      recycled,
      gaveWay: count(GAVE_WAY),
      health,
      lastCause,
      largeOps: this.#coordinator.large.stats(),
      strategies: {
        pooled: pooledOperations,
        chunked: chunkedOperations,
        direct: directOperations,
        waiting: line.length,
        degradations: books.ladder.stats().degradations,
        lastDegradation,
      },
      bytes: { in: count(BYTES_IN), out: count(BYTES_OUT) },
      memory: { limit: buffers.memoryBytes, open: buffers.openBytes, arena: buffers.arena },
      slices: buffers.slices,
    };
  }

  /**
   * Takes no more tasks, lets those in flight end, and ends the threads; a flow that is under way fails with its
   * next chunk. With `drain: false` it ends the threads at once, and what is in flight fails with `ERR_MILL_CLOSED`,
   * flows that wait for their source or their target among it.
   */
  close({ drain = true }: { drain?: boolean } = {}): Promise<void> {
    this.#gcImpact.stop();
    return this.#coordinator.close(drain);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/**
 * Reserves shared memory and starts worker threads.
 *
 * @throws MillraceError `ERR_INVALID_ARG`, `ERR_ARENA_UNAVAILABLE`, `ERR_MILL_UNHEALTHY`; `ERR_OUT_OF_MEMORY` when
 *   memory is to be pre-allocated that is not there
 */
export async function createMill(options: MillOptions = {}): Promise<Mill> {
  const { memory = 256 * MiB, memoryManager, adaptive, monitor } = options;
  const threads = checked(options);
  const limits = checkedLimits(options, threads.threads);
  return new Mill(
    await Coordinator.start({ ...threads, ...limits, memory, memoryManager, adaptive, monitor }),
  );
}

function isGenerator<P>(op: Op<P, unknown> | undefined): op is GeneratorOp<P, unknown> {
  return op?.kind === 'generator';
}

/** An op that is there and undefined is a mistake. */
function isPlain(options: object): options is PlainPumpOptions {
  return !('op' in options);
}

/** The threads at work, the express one among them, for tests that end them. */
export function workersOf(mill: Mill): readonly Worker[] {
  return threadsOf(mill);
}
