/** What sibling packages and this one's tests need beside the public names. No promise is made about it. */
export { Backlog } from './dispatch/backlog.js';
export { Claims, ringOf } from './dispatch/claims.js';
export {
  AVOID,
  BULK,
  CANCEL,
  CONFIG,
  DISPATCH_WORDS,
  DONE,
  DOZERS,
  FIRST_BULK_RING,
  FLAGS,
  FREE,
  LEFT,
  MILL_LANE,
  ORPHANED,
  READY,
  RETRY_RING,
  RINGS,
  RUNNING,
  SIGNAL,
  SIZE,
  SLEEPERS,
  STATE,
  laneAt,
  laneLayout,
  laneOf,
  stateOf,
  workerOf,
  type LaneLayout,
} from './dispatch/layout.js';
export { LaneSignal } from './dispatch/lane-signal.js';
export { IN_NO_CELL, type Task } from './dispatch/task.js';
export { TaskTable } from './dispatch/task-table.js';
export { Vacancy } from './dispatch/vacancy.js';
export { WakeUp } from './dispatch/wake-up.js';
export { Workforce } from './dispatch/workforce.js';
export { decompress, type DecompressReport } from './flow/decompress.js';
export { Lookout } from './threads/lookout.js';
export { Upkeep, type Household } from './threads/upkeep.js';
export { workersOf } from './mill.js';
export { deflate as deflateBlock, deflateBound } from './ops/deflate.js';
export { crc32Combine } from './ops/crc32-combine.js';
export { cgroupMemory } from './pressure/cgroup.js';
export { MemoryWatch } from './pressure/memory-watch.js';
export { memoryProbes } from './pressure/probes.js';
export { processMemory, type ProcessFigures } from './pressure/process-memory.js';
export { stalledPercent } from './pressure/psi.js';
export { GcImpactWatch } from './pressure/gc-impact.js';
export { GivingWay } from './threads/giving-way.js';
