/** The mill: worker threads that transform slices of shared memory. */
export { MillraceError, Slice, type BufferPools, type MillraceErrorCode } from '@millrace/core';
export type { CallOptions } from './flow/call.js';
export type { MillHandle } from './branches.js';
export type { MillBranch } from './mill-branch.js';
export type { MapMode, MapOptions } from './files/map-options.js';
export type { MappedPart } from './files/mapped-part.js';
export type {
  CloseOptions,
  FlushOptions,
  MappedRange,
  MappedRangeStats,
  ViewOptions,
} from './files/mapped-range.js';
export type { FlowProgress } from './flow/flow.js';
export type { RunOptions, TaskOptions, TaskPriority } from './dispatch/task-options.js';
export type { IterateOptions } from './flow/iterate.js';
export type { FilePart } from './flow/file-part.js';
export type { NodeByteSource, NodeByteTarget } from './flow/node-byte-io.js';
export type { PumpReport } from './flow/pump.js';
export type { FlowSource } from './flow/source.js';
export type { FileTarget, FlowTarget } from './flow/target.js';
export type { WebPair } from './flow/web.js';
export { attachMill, createMill, proxy, readerOf, writerOf } from '#mill';
export type { Mill } from './mill.js';
export type {
  MillOptions,
  PlainPumpOptions,
  PumpOptions,
  PumpSettings,
  PumpToValueOptions,
  StreamOptions,
} from './mill-options.js';
export type { MillMonitor } from './threads/mill-monitor.js';
export type { AdaptiveOptions } from './supply/settings.js';
export type { MillStats } from './mill-stats.js';
export type { FlowOp } from './flow/flow-op.js';
export { currentThread, type CurrentThread } from './ops/current-thread.js';
export {
  defineOp,
  Op,
  type GeneratorOp,
  type InPlaceOp,
  type TransformOp,
  type ValueOp,
} from './ops/define-op.js';
export { Kernel, type KernelStats } from './ops/kernel.js';
export type {
  Fold,
  Frame,
  GeneratorDefinition,
  InPlaceDefinition,
  OpContext,
  TaskMill,
  OpKind,
  Split,
  TransformDefinition,
  ValueDefinition,
  Written,
} from './ops/definition.js';
export type { ProxyMarked } from 'comlink';
export type { Remote, RemoteOptions } from './remote/remotes.js';
export { defineFunction, type FunctionReference } from './ops/functions.js';
