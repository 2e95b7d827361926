/**
 * Buffer events: what becomes of the buffers of a manager, told one by one to whoever wants to know.
 */
import type { BufferClass } from './buffer-class.js';

/**
 * - `allocated`: a buffer was made, for a get that found none in stock, or to be in stock
 * - `retrieved`: a buffer was handed out
 * - `returned`: its user gave it back
 * - `resized`: its user changed its size. If it had to move for that, another buffer was `retrieved`
 *   before, and the former one is `returned` after
 * - `reset`: it was made ready for the next user
 * - `destroyed`: its memory went back, as it is not kept
 * - `corruption`: it was found to be unfit; `destroyed` follows
 * - `leak`: it has been in use for longer than `leakAfterMs`; told once for each use
 */
export type BufferEventType =
  | 'allocated'
  | 'retrieved'
  | 'returned'
  | 'resized'
  | 'reset'
  | 'destroyed'
  | 'corruption'
  | 'leak';

export const BUFFER_EVENT_TYPES: readonly BufferEventType[] = [
  'allocated',
  'retrieved',
  'returned',
  'resized',
  'reset',
  'destroyed',
  'corruption',
  'leak',
];

export interface BufferEvent {
  readonly eventType: BufferEventType;
  /**
   * Of the memory, and the same from one use to the next; no two threads that live on the same pools have
   * the same. 0 when no buffer was to be had.
   */
  readonly bufferId: number;
  /** Bytes that its user asked for; of a buffer in nobody's use, all that it has. */
  readonly size: number;
  readonly class: BufferClass;
  /** Milliseconds since 1970, or what the manager's clock says. */
  readonly timestamp: number;
  /**
   * `allocated`, `retrieved`, `resized`: how long it took. `returned`, `leak`: how long the buffer has been in use.
   * `destroyed`, `corruption`: how old it is. `reset`: 0.
   */
  readonly durationMs: number;
  readonly success: boolean;
  /** What was thrown, if anything was. */
  readonly error?: unknown;
  /** The buffer's own, if anything is in it; the tag that was asked for is `tag`. To be read at once. */
  readonly metadata?: ReadonlyMap<string, unknown> | undefined;
}

/** How many of the uses of buffers are told of. */
export interface EventSampling {
  /**
   * One use in so many, on average, is told of from its beginning to its end; 0: none. What is not about a use in
   * good order is told anyway: `allocated`, `destroyed`, `corruption`, `leak` and the return of what leaked, gets that
   * failed. It is read anew for each use that is told of, so it may be a getter over what others change.
   */
  readonly every: number;
  /** Is called after each upkeep, whether anything was told of or not. */
  onUpkeep?(): void;
}

/** Is called for each event, in the middle of what is told: it must be quick, and use no buffer of the manager. */
export type BufferEventSink = (event: BufferEvent) => void;
