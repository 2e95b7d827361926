/** What a mill and its flows are told. */
import type { BufferPoolStrategy, MemoryManagerConfig } from '@millrace/core';
import type { LimitOptions } from './dispatch/limits.js';
import type { FlowProgress } from './flow/flow.js';
import type { FlowOp } from './flow/flow-op.js';
import type { FlowSource } from './flow/source.js';
import type { FlowTarget } from './flow/target.js';
import type { ValueOp } from './ops/define-op.js';
import type { AdaptiveOptions } from './supply/settings.js';
import type { MillMonitor } from './threads/mill-monitor.js';
import type { ThreadOptions } from './threads/settings.js';

export interface MillOptions extends ThreadOptions, LimitOptions {
  /** The most bytes that slices may take together, at least 4 MiB. @defaultValue 256 MiB */
  memory?: number;
  /** When memory counts as short, how long idle memory is kept, and what is taken beforehand: see `mill.memory`. */
  memoryManager?: MemoryManagerConfig;
  /**
   * How operations get memory: by which strategy, from which size on, how long they wait for it. What
   * `largeObjectThreshold` and `maxConcurrentLargeOps` are to an adaptive pool, the mill's own are here.
   */
  adaptive?: AdaptiveOptions;
  /** Hears of the buffers that threads manage, and forgets those of threads that die: a `BufferMonitor` of `millrace/observe`. */
  monitor?: MillMonitor;
}

export interface StreamOptions {
  /** Ends the flow with `ERR_ABORTED`. */
  readonly signal?: AbortSignal;
  /** How the object is held, whose size nobody knows: `pooled` is no choice then. @defaultValue 'adaptive' */
  readonly strategy?: BufferPoolStrategy;
}

/** What every pump is told. */
export interface PumpSettings<P> {
  /**
   * A path, file URL, descriptor, file handle, bytes, stream or iterable of bytes. A descriptor is read from where
   * it stands, or with `{ file, position }` from there on, and stays open.
   */
  from: FlowSource;
  params?: NoInfer<P>;
  signal?: AbortSignal;
  /**
   * How the object is held: `pooled` in one slice, `chunked` in the chunks of a window, `direct` in as few
   * of them as keep all threads at work. What was taken, the report says. @defaultValue 'adaptive': by its size
   */
  strategy?: BufferPoolStrategy;
  /**
   * Reads a file past the system's page cache (`O_DIRECT`), and writes one so for an op in place whose
   * chunks are whole pages of 4096 bytes. Where that cannot be had it is done the plain way, and the
   * report's `notes` say why. @defaultValue false
   */
  direct?: boolean;
  /** Called as chunks are written, or taken in; keep it short. */
  onProgress?: (progress: FlowProgress) => void;
}

export interface PumpOptions<P> extends PumpSettings<P> {
  op: FlowOp<P>;
  /**
   * A path, file URL, descriptor, file handle, `{ file, position }`, stream, or a path with what the file is to be
   * like. A file appears when it is whole. Several get the same output, at the pace of the slowest: when one fails, all are discarded.
   */
  to: FlowTarget | readonly FlowTarget[];
}

/** For an op that gives a value and says how to cut its input. */
export interface PumpToValueOptions<P, R> extends PumpSettings<P> {
  op: ValueOp<P, R>;
  to?: never;
}

/** For bytes that go as they are. */
export interface PlainPumpOptions extends Pick<
  PumpOptions<void>,
  'from' | 'to' | 'signal' | 'onProgress'
> {
  op?: never;
  /** The most bytes that go. @defaultValue all there are */
  length?: number;
}
