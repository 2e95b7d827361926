/**
 * What a trace demands: how many buffers of a class at once, and bytes of which sizes for how long.
 */
import {
  BUFFER_CLASSES,
  bufferClassOf,
  type BufferClass,
  type BufferManagerSettings,
} from '@millrace/core';
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
  trace: Iterable<TraceEvent>,
  settings: BufferManagerSettings,
): Map<BufferClass, LevelTimes> {
  const upTo = stockedUpTo(settings);
  const levels = new Map<BufferClass, LevelTimes>();
  const inUse: Record<BufferClass, number> = { small: 0, medium: 0, large: 0, huge: 0 };
  const classes = new Map<number, BufferClass>();
  let lastMs: number | undefined;
  for (const { type, id, size, timestampMs } of trace) {
    const forMs = timestampMs - (lastMs ?? timestampMs);
    lastMs = timestampMs;
    for (const bufferClass of BUFFER_CLASSES)
      levels.get(bufferClass)?.add(inUse[bufferClass], forMs);
    if (type === 'retrieved' && size <= upTo) {
      const bufferClass = bufferClassOf(size, settings.bufferSizes);
      classes.set(id, bufferClass);
      inUse[bufferClass]++;
      if (!levels.has(bufferClass)) levels.set(bufferClass, new LevelTimes());
    } else if (type === 'returned') {
      const bufferClass = classes.get(id);
      if (bufferClass !== undefined) inUse[bufferClass]--;
      classes.delete(id);
    }
  }
  return levels;
}

/** How many milliseconds of use there are of each size, in bytes. */
export function heldBySize(trace: Iterable<TraceEvent>): Map<number, number> {
  const held = new Map<number, number>();
  const gets = new Map<number, TraceEvent>();
  let lastMs = 0;
  const end = (get: TraceEvent | undefined, ms: number): void => {
    if (get !== undefined) held.set(get.size, (held.get(get.size) ?? 0) + ms - get.timestampMs);
  };
  for (const event of trace) {
    const { type, id, timestampMs } = event;
    lastMs = timestampMs;
    if (type === 'retrieved') gets.set(id, event);
    else if (type === 'returned') {
      end(gets.get(id), timestampMs);
      gets.delete(id);
    }
  }
  for (const get of gets.values()) end(get, lastMs);
  return held;
}
