/**
 * What a trace demands: how many buffers of a class at once, and bytes of which sizes for how long.
 */
import { bufferClassOf, type BufferClass, type BufferManagerSettings } from '@millrace/core';
import { slotBytesFor } from '@millrace/core/internal';
import { LevelTimes } from '../analyser/level-times.js';
import type { TraceEvent } from '../trace/trace-event.js';

/** The largest buffer that comes from the stock, by these settings; 0: none does. */
export function stockedUpTo(settings: BufferManagerSettings): number {
  const { enablePooling, allocationStrategy, poolThreshold, bufferSizes } = settings;
  if (!enablePooling || allocationStrategy === 'direct') return 0;
  const { huge } = bufferSizes;
  return allocationStrategy === 'hybrid' ? Math.min(poolThreshold, huge) : huge;
}

/** How many buffers in use, for how long, of each class that is used at all. */
export function levelsOf(
  trace: readonly TraceEvent[],
  settings: BufferManagerSettings,
): Map<BufferClass, LevelTimes> {
  const upTo = stockedUpTo(settings);
  const startMs = trace[0]?.timestampMs ?? 0;
  const uses = new Map<BufferClass, Use>();
  const holders = new Map<number, Use>();
  for (const { type, id, size, timestampMs, failed } of trace) {
    if (failed || (type !== 'retrieved' && type !== 'returned')) continue;
    // What is handed out again has come back between, though the trace does not tell.
    holders.get(id)?.change(-1, timestampMs);
    holders.delete(id);
    if (type === 'returned' || size > upTo) continue;
    const bufferClass = bufferClassOf(size, settings.bufferSizes);
    const use = uses.get(bufferClass) ?? new Use(startMs);
    uses.set(bufferClass, use);
    holders.set(id, use);
    use.change(1, timestampMs);
  }
  const endMs = trace.at(-1)?.timestampMs ?? startMs;
  for (const use of uses.values()) use.change(0, endMs);
  return new Map([...uses].map(([bufferClass, { levels }]) => [bufferClass, levels]));
}

/** Of one class. */
class Use {
  readonly levels = new LevelTimes();
  #inUse = 0;
  #sinceMs: number;

  constructor(sinceMs: number) {
    this.#sinceMs = sinceMs;
  }

  change(by: number, nowMs: number): void {
    this.levels.add(this.#inUse, nowMs - this.#sinceMs);
    this.#sinceMs = nowMs;
    this.#inUse += by;
  }
}

/** How many milliseconds of use there are of each slot, by its size, of gets up to `upTo` bytes. */
export function heldBySlot(trace: Iterable<TraceEvent>, upTo: number): Map<number, number> {
  const held = new Map<number, number>();
  const gets = new Map<number, TraceEvent>();
  let lastMs = 0;
  const end = (get: TraceEvent | undefined, ms: number): void => {
    if (get === undefined) return;
    const slot = slotBytesFor(get.size);
    held.set(slot, (held.get(slot) ?? 0) + ms - get.timestampMs);
  };
  for (const event of trace) {
    const { type, id, timestampMs, failed } = event;
    lastMs = timestampMs;
    if (failed || (type !== 'retrieved' && type !== 'returned')) continue;
    end(gets.get(id), timestampMs);
    gets.delete(id);
    if (type === 'retrieved' && event.size <= upTo) gets.set(id, event);
  }
  for (const get of gets.values()) end(get, lastMs);
  return held;
}
