// Ops whose threads manage buffers, and have their mill's monitor hear of it.

import { BufferManager } from '@millrace/core';
import { currentThread, defineOp } from 'millrace';
import { MonitorTap } from 'millrace/observe';

function setup() {
  const manager = new BufferManager(currentThread().buffers, { monitoringIntervalMs: 1 });
  const tap = MonitorTap.attach(currentThread());
  tap?.watch(manager);
  return { manager, tap };
}

/** Uses a buffer as large as its input. @returns how large it was */
export const use = defineOp(import.meta.url, 'use', {
  setup,
  run({ length }, _, { state: { manager, tap } }) {
    const buffer = manager.getBuffer(length);
    const { size } = buffer;
    buffer.release();
    tap?.report();
    return size;
  },
});

/** Keeps a buffer. @returns how many this manager has in use */
export const heldHere = defineOp(import.meta.url, 'heldHere', {
  setup,
  run(_bytes, _, { state: { manager, tap } }) {
    manager.getBuffer(100);
    tap?.report();
    return manager.metrics().activeBuffers;
  },
});

/** Uses buffers until its thread is ended, and has one in use all the time. */
export const useUntilEnded = defineOp(import.meta.url, 'useUntilEnded', {
  setup,
  run(_bytes, { words }, { state: { manager } }) {
    manager.getBuffer(2000);
    Atomics.add(words, 0, 1);
    for (;;) manager.getBuffer(1000).release();
  },
});
