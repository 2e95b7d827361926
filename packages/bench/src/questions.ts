/** Every question there is, in the order in which they are asked. */
import type { Question } from './question.js';
import { acquireRelease } from './questions/acquire-release.js';
import { adaptive } from './questions/adaptive.js';
import { call } from './questions/call.js';
import { fileInPlace } from './questions/file-in-place.js';
import { gzipFile } from './questions/gzip-file.js';
import { idle } from './questions/idle.js';
import { kernel } from './questions/kernel.js';
import { leaseThreads } from './questions/lease-threads.js';
import { managedBuffer } from './questions/managed-buffer.js';
import { memory } from './questions/memory.js';
import { messageRing } from './questions/message-ring.js';
import { mixedLoad } from './questions/mixed-load.js';
import { monitor } from './questions/monitor.js';
import { objectCache } from './questions/object-cache.js';
import { optimiser } from './questions/optimiser.js';
import { relay } from './questions/relay.js';
import { roundTrip } from './questions/round-trip.js';
import { smallTask } from './questions/small-task.js';
import { spscRing } from './questions/spsc-ring.js';
import { startUp } from './questions/start-up.js';

export const questions: readonly Question[] = [
  acquireRelease,
  managedBuffer,
  adaptive,
  leaseThreads,
  spscRing,
  messageRing,
  smallTask,
  call,
  roundTrip,
  kernel,
  startUp,
  idle,
  gzipFile,
  fileInPlace,
  relay,
  monitor,
  mixedLoad,
  objectCache,
  memory,
  optimiser,
];
