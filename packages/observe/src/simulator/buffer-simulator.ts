/**
 * The simulator: a real `BufferManager`, over memory that is only counted, on a clock that a trace moves on.
 *
 *   trace ──retrieved──▶ getBuffer ──no memory──▶ waits ──a buffer comes back──▶ getBuffer …
 *         ──returned───▶ release (later, by as much as its get had waited)
 *
 * So what serves gets is not modelled but is the code that will serve them. What is modelled is the memory: slots of
 * the slice sizes, without fragmentation, and what it costs to serve a get.
 */
import { setImmediate as turn } from 'node:timers/promises';
import {
  BufferManager,
  MillraceError,
  type BufferManagerConfig,
  type ManagedBuffer,
} from '@millrace/core';
import { TimeQueue } from '../trace/time-queue.js';
import type { TraceEvent } from '../trace/trace-event.js';
import { RunMeter, type BufferRun } from './buffer-run.js';
import { DEFAULT_COSTS, type ServeCosts } from './serve-costs.js';
import { VirtualMemory } from './virtual-memory.js';

export interface BufferSimulatorOptions {
  /** Bytes that the pools have: what finds none left waits. @defaultValue Infinity */
  readonly memoryBytes?: number | undefined;
  /** @defaultValue `DEFAULT_COSTS`; `costsOf` has those of a trace */
  readonly costs?: ServeCosts | undefined;
}

export interface ReplayOptions {
  /** How long each of the parts is, by the trace's time. @defaultValue no parts */
  readonly partMs?: number | undefined;
  /** What comes before this time is replayed, but not counted: the pools are warm then. @defaultValue the first event's */
  readonly sinceMs?: number | undefined;
}

export interface SimulatedRun extends BufferRun {
  /** The run in parts, of `partMs` each but for the last; empty if that was not said. */
  readonly parts: readonly BufferRun[];
}

/** So long is worked before others get their turn. */
const WORK_MS = 1;
const EVENTS_BETWEEN_LOOKS = 64;

export class BufferSimulator {
  readonly #memoryBytes: number;
  readonly #costs: ServeCosts;

  /** @throws MillraceError `ERR_INVALID_ARG` */
  constructor(options: BufferSimulatorOptions = {}) {
    const { memoryBytes = Infinity, costs = DEFAULT_COSTS } = options;
    if (!(memoryBytes > 0)) throw wrong('memoryBytes', memoryBytes);
    this.#memoryBytes = memoryBytes;
    this.#costs = costs;
  }

  /**
   * Replays a trace. Only what users did counts: gets, returns, resizes; what the recorded manager made and destroyed
   * does not. A buffer that had to move when it was resized is a get and a return, here as in the trace. A get that failed in the trace is tried,
   * and returned at once, as nothing is known of how long it would have been used.
   *
   * Others get their turn on this thread every millisecond.
   *
   * @param trace in the order of time; with all uses, not a sample
   * @param config what would be given to `new BufferManager`
   * @throws MillraceError `ERR_INVALID_ARG`
   */
  async run(
    trace: Iterable<TraceEvent>,
    config: BufferManagerConfig = {},
    options: ReplayOptions = {},
  ): Promise<SimulatedRun> {
    const { partMs = Infinity, sinceMs = -Infinity } = options;
    if (!(partMs > 0)) throw wrong('partMs', partMs);
    const start = (firstMs: number): Replay =>
      new Replay(firstMs, config, this.#memoryBytes, this.#costs, partMs, sinceMs);
    let replay: Replay | undefined;
    let until = performance.now() + WORK_MS;
    let events = 0;
    for (const event of trace) {
      if (event.weight !== undefined) throw sampled(event.weight);
      replay ??= start(event.timestampMs);
      replay.play(event);
      if (++events % EVENTS_BETWEEN_LOOKS !== 0 || performance.now() < until) continue;
      await turn();
      until = performance.now() + WORK_MS;
    }
    replay ??= start(0);
    return replay.end();
  }
}

/** What has been asked for, and what became of it. */
interface Lease {
  readonly size: number;
  readonly sinceMs: number;
  /** Unless it waits. */
  buffer?: ManagedBuffer;
  servedMs: number;
  /** How long it is held, once that is known. */
  heldMs?: number;
}

class Replay {
  readonly #manager: BufferManager;
  readonly #memory: VirtualMemory;
  readonly #costs: ServeCosts;
  readonly #partMs: number;
  readonly #leases = new Map<number, Lease>();
  readonly #waiting = new Set<Lease>();
  /** What comes back later than in the trace. */
  readonly #late = new TimeQueue<Lease>();
  readonly #parts: BufferRun[] = [];
  #whole: RunMeter;
  #part: RunMeter;
  #partEndsMs: number;
  #nowMs: number;
  /** Until then nothing counts. */
  #sinceMs: number;

  constructor(
    nowMs: number,
    config: BufferManagerConfig,
    memoryBytes: number,
    costs: ServeCosts,
    partMs: number,
    sinceMs: number,
  ) {
    this.#nowMs = nowMs;
    this.#sinceMs = sinceMs;
    this.#costs = costs;
    this.#partMs = partMs;
    this.#partEndsMs = nowMs + partMs;
    this.#whole = new RunMeter(nowMs, 0);
    this.#part = new RunMeter(nowMs, 0);
    this.#memory = new VirtualMemory(memoryBytes, costs, () => this.#note());
    this.#manager = new BufferManager(this.#memory, config, {
      factory: this.#memory,
      nowMs: () => this.#nowMs,
    });
    this.#whole.made = this.#memory.made;
    this.#part.made = this.#memory.made;
  }

  play(event: TraceEvent): void {
    const { timestampMs, id, size } = event;
    this.#goTo(timestampMs);
    if (event.type === 'retrieved') {
      // What is handed out again has come back between, though the trace does not tell.
      this.#return(id);
      const lease: Lease = { size, sinceMs: timestampMs, servedMs: timestampMs };
      if (event.failed) lease.heldMs = 0;
      else this.#leases.set(id, lease);
      if (!this.#serve(lease)) this.#waiting.add(lease);
      else if (event.failed) this.#release(lease);
    } else if (event.type === 'returned') this.#return(id);
    else if (event.type === 'resized') this.#resize(id, size);
  }

  end(): SimulatedRun {
    this.#goTo(Infinity);
    for (let left = this.#waiting.size; left > 0; left--) this.#fail();
    const whole = this.#whole.run(this.#nowMs);
    if (this.#partMs < Infinity) this.#parts.push(this.#part.run(this.#nowMs));
    return { ...whole, parts: this.#parts };
  }

  /** Goes on to a time, and on the way takes back what is due; to `Infinity`: to the last of that. */
  #goTo(ms: number): void {
    while (this.#late.nextMs <= ms && this.#late.size > 0) {
      this.#tick(this.#late.nextMs);
      this.#release(this.#late.pop()!);
    }
    if (ms < Infinity) this.#tick(ms);
  }

  #tick(ms: number): void {
    if (ms >= this.#sinceMs) {
      if (this.#sinceMs > this.#nowMs) this.#startCounting(this.#sinceMs);
      this.#sinceMs = Infinity;
    }
    while (ms >= this.#partEndsMs) {
      this.#parts.push(this.#part.run(this.#partEndsMs));
      this.#part = new RunMeter(this.#partEndsMs, this.#memory.bytes);
      this.#partEndsMs += this.#partMs;
    }
    this.#nowMs = Math.max(ms, this.#nowMs);
  }

  #startCounting(ms: number): void {
    this.#whole = new RunMeter(ms, this.#memory.bytes);
    this.#part = new RunMeter(ms, this.#memory.bytes);
    this.#partEndsMs = ms + this.#partMs;
    this.#parts.length = 0;
  }

  /** @returns whether it was served, or never can be */
  #serve(lease: Lease): boolean {
    const { made, madeMs } = this.#memory;
    try {
      lease.buffer = this.#manager.getBuffer(lease.size);
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error;
      if (error.code === 'ERR_POOL_EXHAUSTED' && lease.size <= this.#memory.memoryBytes) {
        return false;
      }
      this.#fail();
      return true;
    }
    lease.servedMs = this.#nowMs;
    const makes = this.#memory.made - made;
    const serviceMs = this.#costs.hitMs + this.#memory.madeMs - madeMs;
    const waitedMs = this.#nowMs - lease.sinceMs;
    for (const meter of [this.#whole, this.#part]) {
      meter.made += makes;
      meter.served(makes === 0, serviceMs, waitedMs);
    }
    return true;
  }

  #return(id: number): void {
    const lease = this.#leases.get(id);
    if (lease === undefined) return;
    this.#leases.delete(id);
    lease.heldMs = this.#nowMs - lease.sinceMs;
    if (!this.#waiting.has(lease)) this.#returnIn(lease, lease.servedMs - lease.sinceMs);
  }

  #returnIn(lease: Lease, ms: number): void {
    if (ms > 0) this.#late.push(this.#nowMs + ms, lease);
    else this.#release(lease);
  }

  #release({ buffer }: Lease): void {
    if (buffer === undefined) return;
    buffer.release();
    // Whoever waits for a large one does not keep others from small ones.
    let refused = Infinity;
    for (const lease of this.#waiting) {
      if (lease.size >= refused) continue;
      if (!this.#serve(lease)) {
        refused = lease.size;
        continue;
      }
      this.#waiting.delete(lease);
      if (lease.heldMs !== undefined) this.#late.push(this.#nowMs + lease.heldMs, lease);
    }
  }

  #resize(id: number, size: number): void {
    const buffer = this.#leases.get(id)?.buffer;
    if (buffer === undefined) return;
    if (size <= buffer.capacity) {
      buffer.resize(size);
      return;
    }
    // It would have to move, and there are no bytes to move: it is another one from now on.
    this.#return(id);
    this.play({ timestampMs: this.#nowMs, type: 'retrieved', id, class: buffer.class, size });
  }

  #fail(): void {
    this.#whole.failed++;
    this.#part.failed++;
  }

  #note(): void {
    this.#whole.memory(this.#memory.bytes, this.#nowMs);
    this.#part.memory(this.#memory.bytes, this.#nowMs);
  }
}

function sampled(weight: number): MillraceError {
  return new MillraceError(
    'ERR_INVALID_ARG',
    `Cannot simulate a load of which one use in ${weight} is told: record it with "sampleEvery" of 1`,
  );
}

function wrong(name: string, value: number): MillraceError {
  return new MillraceError(
    'ERR_INVALID_ARG',
    `Cannot simulate buffers with "${name}" of ${String(value)} as it must be above 0`,
  );
}
