/**
 * The memory manager: says how short memory is, gives back what is spare, and takes beforehand what is
 * to be at hand.
 *
 *   sample    probes, pools ──▶ a level for each ──▶ the worst of them: `pressure` ──▶ listeners
 *   relieve   idle memory goes back, the more the shorter memory is
 *   prepare   what is to be at hand is taken, step by step
 *
 * It has no clock and no thread of its own: whoever runs it calls these now and then.
 */
import { MillraceError } from '../errors.js';
import { CLASS_COUNT } from '../memory/size-classes.js';
import type { BufferPools } from './buffer-pools.js';
import { Listeners } from './listeners.js';
import { checkedMemory, type MemoryManagerConfig, type MemorySettings } from './memory-settings.js';
import type { Preallocation } from './preallocation.js';
import {
  PressureGauge,
  isWorse,
  type MemoryPressure,
  type MemoryProbe,
  type MemoryReading,
} from './pressure.js';
import { Reliever, SMALL_CLASSES, type Relief, type ReliefStep } from './relief.js';

/** A change of the level. */
export interface PressureChange {
  readonly pressure: MemoryPressure;
  readonly before: MemoryPressure;
  /** What was read, worst first. */
  readonly readings: readonly MemoryReading[];
}

export type PressureListener = (change: PressureChange) => void;

export interface MemoryUsage {
  pressure: MemoryPressure;
  /** Bytes lent from the pools. */
  currentMemoryUsage: number;
  /** The most that can be: the pools' `memory`. */
  budgetBytes: number;
  /** Bytes made addressable, and not dropped since: the most of the pools that can be resident. */
  openBytes: number;
  /** Bytes that were pre-allocated. */
  preallocatedBytes: number;
  /** Of the last sample, worst first. */
  readings: readonly MemoryReading[];
  /** How often each level was entered. */
  entered: Record<MemoryPressure, number>;
  /** What has been given back since the beginning. */
  relieved: Relief;
}

interface Judged {
  readonly reading: MemoryReading;
  readonly level: MemoryPressure;
}

export class MemoryManager {
  /** As they are with all defaults. */
  readonly settings: MemorySettings;
  readonly #pools: BufferPools;
  readonly #probes: readonly MemoryProbe[];
  /** By source. */
  readonly #gauges = new Map<string, PressureGauge>();
  readonly #listeners = new Listeners<PressureChange>();
  readonly #entered: Record<MemoryPressure, number> = { normal: 0, elevated: 0, critical: 0 };
  readonly #reliever: Reliever;
  readonly #preallocation: Preallocation | undefined;
  #readings: readonly MemoryReading[] | undefined;
  #pressure: MemoryPressure = 'normal';
  readonly #memoryBytes: number;
  #onUse: (() => void) | undefined;

  /**
   * @param probes what else to go by: what the process may use, for instance
   * @throws MillraceError `ERR_INVALID_ARG`; `ERR_OUT_OF_MEMORY` when there is no room for what is to be
   *   pre-allocated
   */
  constructor(
    pools: BufferPools,
    config: MemoryManagerConfig = {},
    probes: readonly MemoryProbe[] = [],
  ) {
    this.#pools = pools;
    this.#probes = probes;
    this.#memoryBytes = pools.memoryBytes;
    this.settings = checkedMemory(config, this.#memoryBytes);
    this.#reliever = new Reliever(pools, this.settings);
    const { allocationStrategy } = this.settings;
    if (allocationStrategy === 'on-demand') return;
    const whole = allocationStrategy === 'pre-allocate';
    const classes = whole ? CLASS_COUNT : SMALL_CLASSES;
    this.#preallocation = pools.preallocation(classes, whole);
    this.requireMemory(this.#preallocation.bytes, 'allocationStrategy');
  }

  /** How short memory was at the last sample. */
  get pressure(): MemoryPressure {
    const onUse = this.#onUse;
    if (onUse) {
      this.#onUse = undefined;
      onUse();
    }
    return this.#pressure;
  }

  /** Calls `onUse`, once, when somebody asks for {@link pressure}: from then on it should be sampled. */
  whenUsed(onUse: () => void): void {
    this.#onUse = onUse;
  }

  /** Bytes lent from the pools now. */
  get currentMemoryUsage(): number {
    return this.#pools.lentBytes;
  }

  /** Reads the pools and all probes, and tells the listeners when the level has changed. */
  sample(): MemoryPressure {
    const judged = this.#readAll().map((reading) => ({ reading, level: this.#judge(reading) }));
    judged.sort(byUrgency);
    const readings = judged.map(({ reading }) => reading);
    // A source that is silent now has nothing to go by, should it speak again.
    const sources = new Set(readings.map(({ source }) => source));
    for (const source of this.#gauges.keys()) if (!sources.has(source)) this.#gauges.delete(source);
    this.#readings = readings;
    const before = this.#pressure;
    this.#pressure = judged[0]!.level;
    if (before !== this.#pressure) {
      this.#entered[this.#pressure]++;
      this.#listeners.tell({ pressure: this.#pressure, before, readings });
    }
    return this.#pressure;
  }

  /**
   * Gives memory back while it is in use: at normal pressure what has been idle for `bufferLifetimeMs` or is
   * older than `maxBufferAgeMs`; at elevated pressure a stage more each time, first what lies in this thread's
   * magazines, then all idle slabs, then idle arenas; at critical pressure all three. A step takes less than a
   * millisecond; when there is more to do, it says so.
   */
  relieve(): ReliefStep {
    return this.#reliever.relieve(this.#pressure);
  }

  /**
   * Nobody uses the memory any more: gives all back that is idle, as far as the pools' `shrinkThreshold`
   * goes; when memory is short, farther. What was pre-allocated stays unless memory is short. It takes as
   * long as {@link relieve}.
   */
  rest(): ReliefStep {
    return this.#reliever.rest(this.#pressure);
  }

  /**
   * Takes a step of what `allocationStrategy` asks for, which takes less than a millisecond. It is over
   * when memory is short, or the system refuses more.
   *
   * @returns whether there is more to do
   */
  prepare(): boolean {
    try {
      return this.#pressure === 'normal' && (this.#preallocation?.step() ?? false);
    } catch (error) {
      if (error instanceof MillraceError && error.code === 'ERR_ARENA_UNAVAILABLE') return false;
      throw error;
    }
  }

  /** A plain object. */
  usage(): MemoryUsage {
    if (!this.#readings) this.sample();
    return {
      pressure: this.#pressure,
      currentMemoryUsage: this.#pools.lentBytes,
      budgetBytes: this.#memoryBytes,
      openBytes: this.#pools.openBytes,
      preallocatedBytes: this.#preallocation?.touchedBytes ?? 0,
      readings: this.#readings ?? [],
      entered: { ...this.#entered },
      relieved: { ...this.#reliever.total },
    };
  }

  /**
   * Calls `listener` once for every change of the level. One that throws harms nobody: what it threw is
   * written to the console.
   *
   * @returns ends it
   */
  onPressure(listener: PressureListener): () => void {
    return this.#listeners.add(listener);
  }

  /**
   * Looks whether the process may take `bytes` bytes beside the pools.
   *
   * @param setting the setting that asks for them
   * @throws MillraceError `ERR_OUT_OF_MEMORY` when a probe says that so many are not left
   */
  requireMemory(bytes: number, setting: string): void {
    for (const { source, usedBytes, limitBytes } of this.#probed()) {
      const left = Math.max(0, limitBytes - usedBytes);
      if (bytes <= left) continue;
      throw new MillraceError(
        'ERR_OUT_OF_MEMORY',
        `Cannot take the ${bytes} bytes that "${setting}" asks for as ${left} bytes are left of the ${limitBytes} of the ${source}; change "${setting}" or lower "memory"`,
      );
    }
  }

  #judge(reading: MemoryReading): MemoryPressure {
    const { source } = reading;
    let gauge = this.#gauges.get(source);
    if (!gauge) this.#gauges.set(source, (gauge = new PressureGauge()));
    if (source !== 'pools') return gauge.take(reading);
    const { memoryPressureThreshold: elevated, criticalThreshold: critical } = this.settings;
    return gauge.take(reading, { elevated, critical });
  }

  #readAll(): MemoryReading[] {
    const usedBytes = this.#pools.lentBytes;
    return [{ source: 'pools', usedBytes, limitBytes: this.#memoryBytes }, ...this.#probed()];
  }

  #probed(): MemoryReading[] {
    return this.#probes.flatMap((probe) => {
      try {
        const reading = probe();
        return reading && reading.usedBytes >= 0 && reading.limitBytes > 0 ? [reading] : [];
      } catch {
        // One that cannot read has nothing to say.
        return [];
      }
    });
  }
}

function byUrgency(one: Judged, other: Judged): number {
  if (one.level !== other.level) return isWorse(one.level, other.level) ? -1 : 1;
  return shareOf(other.reading) - shareOf(one.reading);
}

function shareOf({ usedBytes, limitBytes }: MemoryReading): number {
  return usedBytes / limitBytes;
}
