// A function for workers that blocks its thread until a gate is open, and counts those that do.

import { defineFunction } from 'millrace';

export const wait = defineFunction(import.meta.url, 'wait', (gate) => {
  Atomics.add(gate, 1, 1);
  Atomics.wait(gate, 0, 0);
});
