/**
 * The format of a trace file: lines of JSON. The first says what the file is; each other line is an event.
 *
 *   {"format":"millrace-buffer-trace","version":1}
 *   [timestampMs, type, id, class, size, durationMs | null, tag | null, failed, weight]
 *
 * What an event lacks at its end is left out. A later version may add fields behind these; a reader refuses
 * versions that it does not know.
 */
import { BUFFER_CLASSES, BUFFER_EVENT_TYPES, MillraceError } from '@millrace/core';
import type { TraceEvent } from './trace-event.js';

const FORMAT = 'millrace-buffer-trace';
const VERSION = 1;

export const TRACE_HEADER = `${JSON.stringify({ format: FORMAT, version: VERSION })}\n`;

/** An event as a line, with its end. */
export function lineOf({
  timestampMs,
  type,
  id,
  class: bufferClass,
  size,
  durationMs,
  tag,
  failed,
  weight,
}: TraceEvent): string {
  const fields: unknown[] = [timestampMs, type, id, bufferClass, size];
  const more = [durationMs, tag, failed, weight];
  const last = more.findLastIndex((value) => value !== undefined);
  // What is left out in the middle is null.
  fields.push(...more.slice(0, last + 1));
  return `${JSON.stringify(fields)}\n`;
}

/** @throws MillraceError `ERR_INPUT_FORMAT` */
export function checkHeader(line: string, path: string): void {
  const header = parsed(line) as { format?: unknown; version?: unknown } | null | undefined;
  if (header?.format === FORMAT && header.version === VERSION) return;
  throw new MillraceError(
    'ERR_INPUT_FORMAT',
    header?.format === FORMAT
      ? `Cannot read ${path} as it is a trace of version ${String(header.version)}, and this reads version ${VERSION}`
      : `Cannot read ${path} as its first line is not that of a buffer trace`,
  );
}

/** @throws MillraceError `ERR_INPUT_FORMAT`, which names the line */
export function eventOf(line: string, path: string, number: number): TraceEvent {
  const fields = parsed(line);
  if (isEvent(fields)) {
    const [timestampMs, type, id, bufferClass, size, durationMs, tag, failed, weight] = fields;
    return {
      timestampMs,
      type,
      id,
      class: bufferClass,
      size,
      ...(typeof durationMs === 'number' && { durationMs }),
      ...(typeof tag === 'string' && { tag }),
      ...(failed === true && { failed }),
      ...(typeof weight === 'number' && { weight }),
    };
  }
  throw new MillraceError(
    'ERR_INPUT_FORMAT',
    `Cannot read ${path} as its line ${number} is no event: ${line.slice(0, 80)}`,
  );
}

type Fields = [
  timestampMs: number,
  type: TraceEvent['type'],
  id: number,
  bufferClass: TraceEvent['class'],
  size: number,
  durationMs?: unknown,
  tag?: unknown,
  failed?: unknown,
  weight?: unknown,
];

function isEvent(fields: unknown): fields is Fields {
  if (!Array.isArray(fields)) return false;
  const [timestampMs, type, id, bufferClass, size] = fields as unknown[];
  const numbers = [timestampMs, id, size].every((value) => Number.isFinite(value));
  const types: readonly unknown[] = BUFFER_EVENT_TYPES;
  const classes: readonly unknown[] = BUFFER_CLASSES;
  return numbers && types.includes(type) && classes.includes(bufferClass);
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
