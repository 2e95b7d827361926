/** What a mill goes by beside its own pools. Nothing is read before it is first asked. */
import type { MemoryProbe } from '@millrace/core';
import { cgroupMemory } from './cgroup.js';
import { processMemory } from './process-memory.js';

export function memoryProbes(): MemoryProbe[] {
  return [processMemory(), cgroupMemory()];
}
