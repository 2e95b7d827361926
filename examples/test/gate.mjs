// A function for workers that blocks its thread until a gate is open.

import { defineFunction } from 'millrace';

export const wait = defineFunction(import.meta.url, 'wait', (gate) => {
  // Now it does.
  Atomics.store(gate, 1, 1);
  Atomics.wait(gate, 0, 0);
});
