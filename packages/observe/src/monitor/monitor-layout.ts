/**
 * The words of a monitor, and where they lie. Nothing but offsets stands here.
 *
 *   line 0     EVERY: one use of a buffer in so many is told of; 0 while the monitor is off
 *   stripe 0   of the monitor's own thread
 *   stripe n   of thread n, its only writer:   events, a broadcast ring │ figures, another
 *
 * Zeroed words are a monitor that is off. Pages of stripes that nobody writes to are never touched.
 */
import { BroadcastRing, type BroadcastRingShape } from '@millrace/core';
import { EVENT_WORDS } from './event-words.js';
import { FIGURES_WORDS } from './figures.js';

export const EVERY = 0;
const LINE = 32;

/** The first figures of a thread and the latest are all that counts; the others are room for a writer that is quick. */
export const FIGURES_SHAPE: BroadcastRingShape = { cells: 4, messageWords: FIGURES_WORDS };

/** How large a monitor is. */
export interface MonitorShape {
  /** Threads beside its own. */
  readonly threads: number;
  /** Events that a stripe holds: a power of two. */
  readonly eventsPerThread: number;
}

export function eventsShape({ eventsPerThread }: MonitorShape): BroadcastRingShape {
  return { cells: eventsPerThread, messageWords: EVENT_WORDS };
}

/** Events that a writer announces at once: next to nothing of what the stripe holds. */
export function aheadOf({ eventsPerThread }: MonitorShape): number {
  return Math.min(15, eventsPerThread >> 8);
}

export function wordsOf(shape: MonitorShape): number {
  return LINE + (shape.threads + 1) * stripeWords(shape);
}

export function eventsAt(shape: MonitorShape, thread: number): number {
  return LINE + thread * stripeWords(shape);
}

export function figuresAt(shape: MonitorShape, thread: number): number {
  return eventsAt(shape, thread) + inLines(BroadcastRing.words(eventsShape(shape)));
}

function stripeWords(shape: MonitorShape): number {
  return (
    inLines(BroadcastRing.words(eventsShape(shape))) + inLines(BroadcastRing.words(FIGURES_SHAPE))
  );
}

function inLines(words: number): number {
  return Math.ceil(words / LINE) * LINE;
}
