/**
 * The ops of `compute-pipeline.ts`: numbers in slices, by a WebAssembly kernel (`kernels/floats.ts`).
 *
 * Ops live in a module that the main thread and the workers both import.
 */
import { defineOp, Kernel } from 'millrace';

interface Floats {
  sum(at: number, count: number): number;
  squares(at: number, count: number, mean: number): number;
  standardise(at: number, count: number, mean: number, factor: number): void;
}

const floats = new Kernel<Floats>(new URL('./floats.wasm', import.meta.url));
const FLOAT_BYTES = 4;

/** The sum of the numbers. */
export const sum = defineOp(import.meta.url, 'sum', {
  run: (bytes) => floats.on([bytes], (wasm, at) => wasm.sum(at, bytes.length / FLOAT_BYTES)),
});

/** The sum of the squares of their distances from `mean`. */
export const squares = defineOp<{ mean: number }, number>(import.meta.url, 'squares', {
  run: (bytes, { mean }) =>
    floats.on([bytes], (wasm, at) => wasm.squares(at, bytes.length / FLOAT_BYTES, mean)),
});

/** Makes each number x (x - mean) × factor, where it lies. */
export const standardise = defineOp<{ mean: number; factor: number }>(
  import.meta.url,
  'standardise',
  {
    inPlace: true,
    run(bytes, { mean, factor }) {
      const count = bytes.length / FLOAT_BYTES;
      floats.on([bytes], (wasm, at) => wasm.standardise(at, count, mean, factor));
    },
  },
);

/** How many bytes the kernel has copied on the thread that runs this: none, as long as slices lie in arenas. */
export const copied = defineOp(import.meta.url, 'copied', {
  run: () => floats.stats().copiedBytes,
});
