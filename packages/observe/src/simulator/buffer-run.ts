/**
 * What a manager did in some time, in figures: of a simulation as of the real one, so that the two can be compared.
 */
import { bucketOf, middleOf } from '@millrace/core/internal';

export interface BufferRun {
  /** From the first event to the last. */
  readonly durationMs: number;
  /** Gets that were served. */
  readonly gets: number;
  /** Of those, the ones that were served from the stock: no buffer was made for them. */
  readonly hits: number;
  /** {@link hits} / {@link gets}; 1 when nothing was asked for. */
  readonly hitRate: number;
  /** Gets that were never served. */
  readonly failed: number;
  /** Buffers that were made, those made beforehand and by growth included. */
  readonly made: number;
  /** The most bytes of memory that buffers took, in stock and in use. */
  readonly peakMemory: number;
  /** The same on average over the time. */
  readonly meanMemory: number;
  /** Gets that were served, but not at once: no memory was left. */
  readonly waits: number;
  /** How long they waited, together. */
  readonly waitedMs: number;
  readonly longestWaitMs: number;
  /** How long a get took, on average: the wait, and the service. */
  readonly meanLatencyMs: number;
  /** The same for the slowest hundredth: 99 of 100 gets took at most so long. */
  readonly p99LatencyMs: number;
  /** Gets a second that one thread could be served that does nothing else: {@link gets} / the time of service. */
  readonly throughput: number;
}

const NS_PER_MS = 1e6;
const TAIL = 0.99;

/** Adds up a {@link BufferRun}. */
export class RunMeter {
  made = 0;
  failed = 0;
  readonly #sinceMs: number;
  #bytes: number;
  #levelMs: number;
  #byteMs = 0;
  #peak: number;
  #gets = 0;
  #hits = 0;
  #waits = 0;
  #waitedMs = 0;
  #longestWaitMs = 0;
  #serviceMs = 0;
  /** Gets by their latency in nanoseconds, in the buckets of a histogram. */
  readonly #latencies = new Map<number, number>();

  /** @param bytes what buffers take at the beginning */
  constructor(sinceMs: number, bytes: number) {
    this.#sinceMs = sinceMs;
    this.#levelMs = sinceMs;
    this.#bytes = bytes;
    this.#peak = bytes;
  }

  /** Buffers take so many bytes from now on. */
  memory(bytes: number, nowMs: number): void {
    this.#byteMs += this.#bytes * (nowMs - this.#levelMs);
    this.#levelMs = nowMs;
    this.#bytes = bytes;
    if (bytes > this.#peak) this.#peak = bytes;
  }

  served(hit: boolean, serviceMs: number, waitedMs = 0): void {
    this.#gets++;
    if (hit) this.#hits++;
    if (waitedMs > 0) this.#waits++;
    this.#waitedMs += waitedMs;
    if (waitedMs > this.#longestWaitMs) this.#longestWaitMs = waitedMs;
    this.#serviceMs += serviceMs;
    const bucket = bucketOf((waitedMs + serviceMs) * NS_PER_MS);
    this.#latencies.set(bucket, (this.#latencies.get(bucket) ?? 0) + 1);
  }

  run(nowMs: number): BufferRun {
    this.memory(this.#bytes, nowMs);
    const durationMs = nowMs - this.#sinceMs;
    const gets = this.#gets;
    return {
      durationMs,
      gets,
      hits: this.#hits,
      hitRate: gets === 0 ? 1 : this.#hits / gets,
      failed: this.failed,
      made: this.made,
      peakMemory: this.#peak,
      meanMemory: durationMs === 0 ? this.#bytes : this.#byteMs / durationMs,
      waits: this.#waits,
      waitedMs: this.#waitedMs,
      longestWaitMs: this.#longestWaitMs,
      meanLatencyMs: gets === 0 ? 0 : (this.#waitedMs + this.#serviceMs) / gets,
      p99LatencyMs: this.#tailLatency(),
      throughput: this.#serviceMs === 0 ? 0 : (gets * 1000) / this.#serviceMs,
    };
  }

  #tailLatency(): number {
    let gets = 0;
    for (const [bucket, count] of [...this.#latencies].sort(([a], [b]) => a - b)) {
      gets += count;
      if (gets >= TAIL * this.#gets) return middleOf(bucket) / NS_PER_MS;
    }
    return 0;
  }
}
