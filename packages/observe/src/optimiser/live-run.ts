/**
 * What a real manager does, measured by its events, in the figures of a simulated one.
 */
import type { BufferEvent, BufferManager } from '@millrace/core';
import { RunMeter, type BufferRun } from '../simulator/buffer-run.js';
import type { ServeCosts } from '../simulator/serve-costs.js';

/**
 * Latency and throughput are what the costs make of hits and misses, as they are in a simulation, so that what else the machine
 * was busy with counts in neither.
 */
export class LiveRun {
  readonly #manager: BufferManager;
  readonly #costs: ServeCosts;
  readonly #meter: RunMeter;
  #endMs: number;
  /** What was made last, all for the same get. */
  readonly #madeIds = new Set<number>();
  #madeAtMs = -Infinity;
  #madeMs = 0;

  /** @param sinceMs by the manager's clock */
  constructor(manager: BufferManager, costs: ServeCosts, sinceMs: number) {
    this.#manager = manager;
    this.#costs = costs;
    this.#endMs = sinceMs;
    this.#meter = new RunMeter(sinceMs, manager.metrics().totalMemoryUsage);
  }

  collectEvent({ eventType, timestamp, bufferId, size, success }: BufferEvent): void {
    if (timestamp > this.#endMs) this.#endMs = timestamp;
    if (eventType === 'allocated') {
      if (timestamp !== this.#madeAtMs) this.#forget();
      this.#madeAtMs = timestamp;
      this.#madeIds.add(bufferId);
      this.#madeMs += this.#costs.makeMs(size, this.#isDirect(size));
      this.#meter.made++;
      this.#noteMemory();
    } else if (eventType === 'destroyed') this.#noteMemory();
    else if (eventType === 'retrieved') {
      const made = timestamp === this.#madeAtMs && this.#madeIds.has(bufferId);
      if (success) this.#meter.served(!made, this.#costs.hitMs + (made ? this.#madeMs : 0));
      else this.#meter.failed++;
      this.#forget();
    }
  }

  /** Until now. @param nowMs by the manager's clock */
  run(nowMs: number): BufferRun {
    return this.#meter.run(Math.max(nowMs, this.#endMs));
  }

  #noteMemory(): void {
    this.#meter.memory(this.#manager.metrics().totalMemoryUsage, this.#endMs);
  }

  #forget(): void {
    this.#madeIds.clear();
    this.#madeMs = 0;
  }

  #isDirect(size: number): boolean {
    const { enablePooling, allocationStrategy, poolThreshold } = this.#manager.settings;
    if (!enablePooling || allocationStrategy === 'direct') return true;
    return allocationStrategy === 'hybrid' && size > poolThreshold;
  }
}
