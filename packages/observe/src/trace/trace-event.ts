/**
 * One event in the life of a buffer, as small as a trace needs it: what is recorded, replayed and analysed.
 *
 * A trace is any iterable of these in the order of their time. Times are on the clock of whoever recorded them: nothing
 * in this package reads a clock of its own to understand a trace, so a week may pass in milliseconds.
 */

/** What happened to a buffer. */
export type BufferEventType =
  | 'allocated'
  | 'retrieved'
  | 'returned'
  | 'resized'
  | 'reset'
  | 'destroyed'
  | 'corruption'
  | 'leak';

/** Which pool a buffer is of: up to 4 KiB, up to 64 KiB, up to 1 MiB, above. */
export type BufferClass = 'small' | 'medium' | 'large' | 'huge';

/** Something that happened to a buffer, at a time. */
export interface TraceEvent {
  /** When, in milliseconds; from the epoch, where the time of day shall mean something. */
  readonly timestampMs: number;
  /** What happened. */
  readonly type: BufferEventType;
  /** Which buffer; a number may be used again once its buffer is destroyed. */
  readonly id: number;
  /** Its class. */
  readonly class: BufferClass;
  /** How many bytes were asked for; for `allocated` and `destroyed`, how many the buffer has. */
  readonly size: number;
  /** What the user calls the work that it was for. */
  readonly tag?: string;
  /** Present where it did not succeed. */
  readonly failed?: true;
}
