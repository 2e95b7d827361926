/**
 * Reads a trace file that a `TraceRecorder` has written.
 */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { MillraceError } from '@millrace/core';
import type { TraceEvent } from './trace-event.js';
import { checkHeader, eventOf } from './trace-format.js';

/**
 * All events of a trace file, in its order. A last line that breaks off, as a process leaves it that dies, is left out.
 *
 * @throws MillraceError `ERR_READ`; `ERR_INPUT_FORMAT`, which names the line
 */
export async function readTrace(path: string): Promise<TraceEvent[]> {
  const events: TraceEvent[] = [];
  let header = false;
  let number = 0;
  /** Is known to be whole only when another line follows, or the file ends with its end. */
  let last: string | undefined;
  const take = (line: string): void => {
    number++;
    if (header) events.push(eventOf(line, path, number));
    else checkHeader(line, path);
    header = true;
  };
  const stream = createReadStream(path, { encoding: 'utf8' });
  let end = '';
  stream.on('data', (chunk) => {
    end = String(chunk.at(-1));
  });
  try {
    for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) {
      if (last !== undefined) take(last);
      last = line;
    }
  } catch (error) {
    if (error instanceof MillraceError) throw error;
    throw new MillraceError('ERR_READ', `Cannot read the trace ${path}`, { cause: error });
  } finally {
    stream.destroy();
  }
  if (last !== undefined && (end === '\n' || !header)) take(last);
  if (!header) checkHeader('', path);
  return events;
}
