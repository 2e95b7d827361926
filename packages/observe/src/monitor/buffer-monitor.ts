/**
 * The monitor: hears of the buffers of every thread, hands what it hears to collectors and an analyser, and once an
 * interval a sample to alerting.
 *
 *   thread n ── MonitorTap ──▶ stripe n ──┐
 *   this one ── MonitorTap ──▶ stripe 0 ──┴─ poll ──▶ by time ──▶ collectors, analyser
 *                                              └─ once an interval ──▶ sample ──▶ alerting
 *
 * What must hold: a thread that tells never waits for this one; written = read + dropped + pending, exactly.
 */
import {
  BroadcastRing,
  MillraceError,
  type BroadcastReader,
  type BufferClass,
  type BufferManager,
  type BufferPools,
  type ThreadId,
} from '@millrace/core';
import { MAX_THREADS } from '@millrace/core/internal';
import type { BufferAlerting } from '../alerting/buffer-alerting.js';
import type { BufferSample } from '../alerting/buffer-sample.js';
import type { BufferAnalyzer } from '../analyser/buffer-analyzer.js';
import { traceEventOf } from '../trace/trace-event.js';
import type { BufferCollector } from './buffer-collector.js';
import { EventWords, type MonitoredEvent } from './event-words.js';
import { FiguresBoard } from './figures.js';
import {
  EVERY,
  FIGURES_SHAPE,
  eventsAt,
  eventsShape,
  figuresAt,
  wordsOf,
} from './monitor-layout.js';
import { MonitorTap, type MonitorHandle } from './monitor-tap.js';
import { OpenUses } from './open-uses.js';
import { sampleOf } from './sampling.js';

export interface BufferMonitorOptions {
  /** Threads that can be heard beside this one. @defaultValue 127, which is as many as can have a memory in common */
  readonly threads?: number;
  /**
   * Events of one thread that wait to be read, a power of two; more than that, or than 15 fewer, and the oldest are dropped, and counted.
   *
   * @defaultValue 4096
   */
  readonly eventsPerThread?: number;
  /**
   * One use of a buffer in so many is told of, on average; can be changed at any time. Figures for alerting are exact anyway. Collectors and
   * the analyser are told how many uses each stands for (`weight`), and what they make of that are estimates. A trace of a sample cannot be simulated.
   *
   * @defaultValue 256, which costs hardly anything; 1 where there is an `analyzer`, as peaks are seen in whole loads alone
   */
  readonly sampleEvery?: number;
  /** How often alerting gets a sample: as often as managers have upkeep, or less. @defaultValue 1000 */
  readonly intervalMs?: number;
  /** How often events are read while the monitor runs. @defaultValue 50 */
  readonly pollMs?: number;
  readonly collectors?: readonly BufferCollector[];
  readonly analyzer?: BufferAnalyzer;
  readonly alerting?: BufferAlerting;
  /** The clock of intervals and samples. @defaultValue milliseconds since 1970 */
  readonly nowMs?: () => number;
}

export interface BufferMonitorStats {
  readonly running: boolean;
  /** Threads beside this one that are heard: those that have died are not any more. */
  readonly threads: number;
  /** Events that threads wrote: read + dropped + pending. */
  readonly written: number;
  readonly read: number;
  /** Events that were written over before they were read. */
  readonly dropped: number;
  /** Events that wait to be read. */
  readonly pending: number;
  /** Samples that were taken. */
  readonly samples: number;
  /** Calls of collectors, and of the analyser, that threw. */
  readonly collectorErrors: number;
}

/** Unless something needs to see all of them. */
const SAMPLED = 256;

interface Stripe {
  readonly thread: number;
  readonly ring: BroadcastRing;
  readonly events: BroadcastReader;
  readonly figures: BroadcastReader;
}

export class BufferMonitor {
  /** For `MonitorTap.attach` in other threads. */
  readonly handle: MonitorHandle;
  readonly analyzer: BufferAnalyzer | undefined;
  readonly alerting: BufferAlerting | undefined;
  readonly #collectors: BufferCollector[];
  readonly #nowMs: () => number;
  readonly #pollMs: number;
  readonly #stripes: readonly Stripe[];
  readonly #tap: MonitorTap;
  readonly #event = new EventWords();
  readonly #board = new FiguresBoard();
  readonly #openUses = new OpenUses();
  readonly #failed = new Map<BufferClass, number>();
  readonly #intervalMs: number;
  #pools: BufferPools | undefined;
  #sampleEvery: number;
  #timer: NodeJS.Timeout | undefined;
  #dueMs = Infinity;
  #read = 0;
  #samples = 0;
  #errors = 0;
  #lastSample: BufferSample | undefined;

  /** @throws MillraceError `ERR_INVALID_ARG` */
  constructor(options: BufferMonitorOptions = {}) {
    const { threads = MAX_THREADS - 1, eventsPerThread = 4096, analyzer } = options;
    const { sampleEvery = analyzer ? 1 : SAMPLED } = options;
    const { intervalMs = 1000, pollMs = 50, collectors = [] } = options;
    const { nowMs = () => performance.timeOrigin + performance.now() } = options;
    need('threads', threads, Number.isInteger(threads) && threads >= 0 && threads <= 1024);
    const power = Number.isInteger(Math.log2(eventsPerThread));
    need('eventsPerThread', eventsPerThread, power && eventsPerThread >= 2);
    need('intervalMs', intervalMs, intervalMs > 0);
    need('pollMs', pollMs, pollMs > 0 && pollMs <= 2 ** 31 - 1);
    this.#sampleEvery = checkedEvery(sampleEvery);
    const shape = { threads, eventsPerThread };
    const words = new Int32Array(new SharedArrayBuffer(wordsOf(shape) * 4));
    this.handle = { ...shape, words };
    this.#intervalMs = intervalMs;
    this.analyzer = analyzer;
    this.alerting = options.alerting;
    this.#collectors = [...collectors];
    this.#nowMs = nowMs;
    this.#pollMs = pollMs;
    this.#stripes = Array.from({ length: threads + 1 }, (_, thread) =>
      stripeOf(this.handle, thread),
    );
    this.#tap = new MonitorTap(this.handle, 0, 0);
  }

  get running(): boolean {
    return this.#timer !== undefined;
  }

  get sampleEvery(): number {
    return this.#sampleEvery;
  }

  /**
   * Other threads learn of it when they next tell of a use.
   *
   * @throws MillraceError `ERR_INVALID_ARG`
   */
  set sampleEvery(every: number) {
    this.#sampleEvery = checkedEvery(every);
    if (this.running) Atomics.store(this.handle.words, EVERY, every);
  }

  /** The sample that alerting was last given. */
  get lastSample(): BufferSample | undefined {
    return this.#lastSample;
  }

  /**
   * Hears of what `manager` does, on this thread, beside others there. Once an interval it has upkeep. Managers of other threads are
   * watched there: `MonitorTap.attach(currentThread())?.watch(manager)`.
   */
  watch(manager: BufferManager): void {
    this.#tap.watch(manager);
  }

  /**
   * Forgets threads that die, once their memory is back: their buffers count no more, and collectors are told that those in use
   * are destroyed. A mill that is given this monitor sees to that: `createMill({ monitor })`.
   *
   * @param pools the memory that the threads which are heard have in common
   * @throws MillraceError `ERR_INVALID_ARG` while threads of another memory are heard: they have the same numbers
   */
  follow(pools: BufferPools): void {
    this.poll();
    if (this.#pools !== undefined && this.#pools !== pools && this.stats().threads > 0) {
      throw new MillraceError(
        'ERR_INVALID_ARG',
        `Cannot hear of a second mill as ${this.stats().threads} threads of the first are heard: make another monitor`,
      );
    }
    this.#pools = pools;
  }

  /** Has `collector` get what is read from now on. @returns ends that */
  addCollector(collector: BufferCollector): () => void {
    this.#collectors.push(collector);
    return () => {
      const at = this.#collectors.indexOf(collector);
      if (at >= 0) this.#collectors.splice(at, 1);
    };
  }

  /**
   * Has threads tell of what they do, and reads that from now on, without keeping the process alive. Nothing happens if it runs.
   * The first sample has what came while it was off as well, of managers that were watched by then.
   */
  start(): void {
    if (this.running) return;
    Atomics.store(this.handle.words, EVERY, this.#sampleEvery);
    this.#dueMs = this.#nowMs() + this.#intervalMs;
    this.#timer = setInterval(() => this.poll(), this.#pollMs);
    this.#timer.unref();
  }

  /** Has threads tell no more, and reads what they told. */
  stop(): void {
    if (!this.running) return;
    Atomics.store(this.handle.words, EVERY, 0);
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#drain();
  }

  /** Stops, and lets go of the managers and of the memory. */
  close(): void {
    this.stop();
    this.#tap.unwatchAll();
    this.#pools = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Reads what was told, and ends the interval if it is time. The monitor does that by itself while it runs. */
  poll(): void {
    this.#drain();
    const nowMs = this.#nowMs();
    const gone = this.#heard().filter(({ thread, epoch }) => this.#isGone(thread, epoch));
    if (gone.length > 0) {
      // Who is gone writes no more, so what is read after that look is all there is of it.
      this.#drain();
      for (const { thread, epoch } of gone) this.#forget(thread, epoch, nowMs);
    }
    if (!this.running || nowMs < this.#dueMs) return;
    this.#dueMs = nowMs + this.#intervalMs;
    this.#endInterval(nowMs);
  }

  stats(): BufferMonitorStats {
    let written = 0;
    let dropped = 0;
    for (const { ring, events } of this.#stripes) {
      written += ring.stats().written;
      dropped += events.missed;
    }
    const read = this.#read;
    return {
      running: this.running,
      threads: this.#heard().filter(({ thread, epoch }) => !this.#isGone(thread, epoch)).length,
      written,
      read,
      dropped,
      pending: written - read - dropped,
      samples: this.#samples,
      collectorErrors: this.#errors,
    };
  }

  #endInterval(nowMs: number): void {
    // By which they say how they stand, even if they are idle.
    this.#tap.upkeep();
    this.#drain();
    const sample = sampleOf(nowMs, this.#board.sum(), this.#failed);
    this.#failed.clear();
    this.#lastSample = sample;
    this.#samples++;
    this.alerting?.check(sample);
  }

  /** Threads beside this one that are known, with their epochs. */
  #heard(): { thread: number; epoch: number }[] {
    return this.#board.threads.flatMap((thread) => {
      const epoch = this.#board.epochOf(thread);
      return thread === this.#tap.thread || epoch === undefined ? [] : [{ thread, epoch }];
    });
  }

  /** Whether a thread has died, and its memory is back. */
  #isGone(thread: number, epoch: number): boolean {
    return this.#pools?.registry.isGone(thread as ThreadId, epoch) ?? false;
  }

  /** Unless its number is another's by now, which then has told so, and been noted. */
  #forget(thread: number, epoch: number, nowMs: number): void {
    if (this.#board.epochOf(thread) !== epoch) return;
    this.#board.forget(thread);
    for (const event of this.#openUses.leave(thread, nowMs)) this.#hand(event);
  }

  #drain(): void {
    const events: MonitoredEvent[] = [];
    let told = 0;
    for (const stripe of this.#stripes) {
      const before = events.length;
      this.#drainStripe(stripe, events);
      if (events.length > before) told++;
    }
    if (told > 1) events.sort((a, b) => a.timestamp - b.timestamp);
    for (const event of events) this.#collect(event);
  }

  /** No more than fit at once: whoever writes as fast as this reads must not hold it for ever. */
  #drainStripe({ thread, events: reader, figures }: Stripe, events: MonitoredEvent[]): void {
    const { words } = this.#event;
    for (let left = this.handle.eventsPerThread; left > 0 && reader.read(words) >= 0; left--) {
      const event = this.#event.decode(thread);
      this.#read++;
      this.#enter(thread, this.#event.epoch, event.timestamp, events);
      this.#openUses.note(event);
      events.push(event);
    }
    while (figures.read(this.#board.words) >= 0) {
      this.#enter(thread, this.#board.note(thread), this.#nowMs(), events);
    }
  }

  /** Ends what another had in use that had the number before. */
  #enter(thread: number, epoch: number, nowMs: number, events: MonitoredEvent[]): void {
    for (const event of this.#openUses.enter(thread, epoch, nowMs)) events.push(event);
  }

  #collect(event: MonitoredEvent): void {
    const { success, eventType, class: of } = event;
    if (!success && eventType === 'retrieved') {
      this.#failed.set(of, (this.#failed.get(of) ?? 0) + 1);
    }
    this.#hand(event);
  }

  #hand(event: MonitoredEvent): void {
    for (const collector of this.#collectors) this.#guarded(() => collector.collectEvent(event));
    if (this.analyzer) this.#guarded(() => this.analyzer?.processEvent(traceEventOf(event)));
  }

  #guarded(call: () => void): void {
    try {
      call();
    } catch {
      this.#errors++;
    }
  }
}

function stripeOf(handle: MonitorHandle, thread: number): Stripe {
  const { words } = handle;
  const ring = new BroadcastRing(words, eventsAt(handle, thread), eventsShape(handle));
  const figures = new BroadcastRing(words, figuresAt(handle, thread), FIGURES_SHAPE);
  return { thread, ring, events: ring.reader('oldest'), figures: figures.reader('oldest') };
}

function checkedEvery(every: number): number {
  need('sampleEvery', every, Number.isInteger(every) && every >= 1 && every < 2 ** 31);
  return every;
}

function need(name: string, value: number, holds: boolean): void {
  if (holds) return;
  throw new MillraceError(
    'ERR_INVALID_ARG',
    `Cannot make a monitor with "${name}" of ${String(value)} as that is out of range`,
  );
}
