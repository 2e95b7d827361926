/** What all flows have in common: where they go, what they are told, and what came of them. */
import { MillraceError, type BufferPoolStrategy, type PlainStrategy } from '@millrace/core';
import type { LargeGate } from '../dispatch/large-gate.js';
import type { Terms } from '../dispatch/task.js';

/** Descriptors of one file. */
export interface RangeFiles {
  readonly plain: number;
  /** Takes whole pages only. */
  readonly direct: number | undefined;
}

/** Where the output goes. */
export interface Sink {
  /** Writes the parts one after the other; resolves when their memory may be used again. */
  write(parts: readonly Uint8Array[]): Promise<void>;
  /** Files, to begin with empty, that workers may write themselves, at any position; absent for all other targets. */
  readonly files?: RangeFiles;
  /** Makes a write that may never come back fail: the flow has been stopped. */
  abort?(error: unknown): void;
}

export interface FlowProgress {
  bytesIn: number;
  bytesOut: number;
  /** Undefined when the input's size is not known beforehand. */
  totalBytes: number | undefined;
  elapsedMs: number;
}

export interface FlowOptions {
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: FlowProgress) => void) | undefined;
  /** On what terms its chunks run, each for itself. @defaultValue the usual ones */
  terms?: Terms | undefined;
  /** The cap that it comes under. @defaultValue that of whoever submits it */
  gate?: LargeGate | undefined;
  /** How the object is held. @defaultValue 'adaptive' */
  strategy?: BufferPoolStrategy | undefined;
}

export interface FlowResult {
  bytesIn: number;
  bytesOut: number;
  chunks: number;
  /** Chunks that were run again because their thread died. */
  retries: number;
  elapsedMs: number;
  /** How the object was held in the end; a note says why if it was to be another way. */
  strategy: PlainStrategy;
}

/** Of a flow that begins. */
export function nothingYet(): Omit<FlowResult, 'strategy'> {
  return { bytesIn: 0, bytesOut: 0, chunks: 0, retries: 0, elapsedMs: 0 };
}

export function aborted(reason: unknown): MillraceError {
  return new MillraceError('ERR_ABORTED', 'The flow was aborted', { cause: reason });
}
