/**
 * One event in the life of a buffer, as small as a trace needs it: what is recorded, replayed and analysed.
 *
 * A trace is any iterable of these in the order of their time. Times are on the clock of whoever recorded them: nothing
 * in this package reads a clock of its own to understand a trace, so a week may pass in milliseconds.
 */
import type { BufferClass, BufferEvent, BufferEventType } from '@millrace/core';

export type { BufferClass, BufferEventType };

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
  /** How long it took; for `returned` and `leak`, how long the buffer has been in use. */
  readonly durationMs?: number;
  /** What the user calls the work that it was for. */
  readonly tag?: string | undefined;
  /** Present where it did not succeed. */
  readonly failed?: true;
  /** How many such events it stands for, where only a sample of the uses is told of. @defaultValue 1 */
  readonly weight?: number;
}

/** What a trace keeps of what a manager tells, or a monitor hands on. */
export function traceEventOf(event: BufferEvent & { readonly weight?: number }): TraceEvent {
  const { timestamp, eventType, bufferId, size, durationMs, success, metadata } = event;
  const { weight = 1 } = event;
  const tag = metadata?.get('tag');
  return {
    timestampMs: timestamp,
    type: eventType,
    id: bufferId,
    class: event.class,
    size,
    durationMs,
    ...(typeof tag === 'string' && { tag }),
    ...(!success && { failed: true }),
    ...(weight !== 1 && { weight }),
  };
}
