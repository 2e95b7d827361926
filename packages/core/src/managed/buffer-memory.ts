/**
 * The memory of a buffer, as a factory makes it: a slice, private memory, or whatever a user's factory has.
 */
import type { Slice } from '../slices/slice.js';

export interface BufferMemory {
  /** As many as were asked for, or more. */
  readonly bytes: Uint8Array;
  /** What it takes of memory: a slot may be larger than the bytes that were asked for. */
  readonly memoryBytes: number;
  /** The slice that it is, if it is one. */
  readonly slice?: Slice | undefined;
}
