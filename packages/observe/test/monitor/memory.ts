/** Managers over real pools, on a clock that stands still until told. */
import { MonitorTap, type BufferMonitor } from '@millrace/observe';
import {
  BufferManager,
  BufferPools,
  type BufferManagerConfig,
  type BufferPoolsOptions,
} from '@millrace/core';

export const MiB = 1024 * 1024;

export class HandClock {
  ms = 1_000_000;
  readonly nowMs = (): number => this.ms;
}

export function managed(
  config: BufferManagerConfig = {},
  options: Partial<BufferPoolsOptions> = {},
) {
  const clock = new HandClock();
  const pools = BufferPools.create({ memory: 32 * MiB, ...options }, 0);
  const manager = new BufferManager(pools, config, { nowMs: clock.nowMs });
  return { clock, pools, manager };
}

/** The way into a monitor of another thread, which has the number of `buffers`. */
export function tapOf(monitor: BufferMonitor, buffers = managed().pools): MonitorTap {
  return MonitorTap.attach({ monitor: monitor.handle, buffers });
}
