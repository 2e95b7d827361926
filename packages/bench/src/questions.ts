/** Every question there is, in the order in which they are asked. */
import type { Question } from './question.js';
import { acquireRelease } from './questions/acquire-release.js';
import { gzipFile } from './questions/gzip-file.js';
import { idle } from './questions/idle.js';
import { leaseThreads } from './questions/lease-threads.js';
import { memory } from './questions/memory.js';
import { smallTask } from './questions/small-task.js';

export const questions: readonly Question[] = [
  acquireRelease,
  leaseThreads,
  smallTask,
  idle,
  gzipFile,
  memory,
];
