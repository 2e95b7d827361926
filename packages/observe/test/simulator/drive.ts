/** Drives a real manager with a trace, in real time. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { BufferManager, ManagedBuffer } from '@millrace/core';
import type { TraceEvent } from '@millrace/observe';

/** Gets and returns what the trace says, when it says so, from now on; what the machine delays comes as soon as it can. */
export async function drive(manager: BufferManager, trace: Iterable<TraceEvent>): Promise<void> {
  const held = new Map<number, ManagedBuffer>();
  let offMs: number | undefined;
  for (const { timestampMs, type, id, size, tag } of trace) {
    offMs ??= performance.now() - timestampMs;
    const ms = timestampMs + offMs - performance.now();
    if (ms > 1) await sleep(ms);
    if (type === 'retrieved') {
      const buffer = manager.getBuffer(size, tag === undefined ? undefined : { tag });
      buffer.bytes[0] = 1;
      held.set(id, buffer);
    } else if (type === 'returned') {
      held.get(id)?.release();
      held.delete(id);
    }
  }
  for (const buffer of held.values()) buffer.release();
}
