/**
 * A compute pipeline: 16 million measurements lie in slices of shared memory, and worker threads find
 * their mean and their deviation and standardise them where they lie, by a WebAssembly kernel.
 *
 *   fill ──▶ sum ─────▶ mean ──▶ squares ─────▶ deviation ──▶ standardise ──▶ squares: as many as numbers
 *            each slice, on every thread at once: what comes back is one number a slice
 *
 * Between threads goes the number of a slot, never the numbers in it: no copy, no clone, no transfer.
 *
 *     node examples/dist/compute-pipeline.js
 */
import { pathToFileURL } from 'node:url';
import { createMill, type Mill, type Slice } from 'millrace';
import { copied, squares, standardise, sum } from './standardise.js';

const MiB = 1024 * 1024;
const SLICE_BYTES = MiB;

export interface Summary {
  count: number;
  mean: number;
  deviation: number;
  /** Of the standardised numbers: 0 and 1, but for rounding. */
  meanAfter: number;
  deviationAfter: number;
}

/** Standardises what lies in `slices`, 32-bit floats, in place. */
export async function standardiseAll(mill: Mill, slices: readonly Slice[]): Promise<Summary> {
  const count = slices.reduce((floats, slice) => floats + slice.byteLength / 4, 0);
  const meanOf = async (): Promise<number> =>
    total(await Promise.all(slices.map((slice) => mill.run(sum, slice)))) / count;
  const deviationFrom = async (mean: number): Promise<number> => {
    const parts = await Promise.all(slices.map((slice) => mill.run(squares, slice, { mean })));
    return Math.sqrt(total(parts) / count);
  };

  const mean = await meanOf();
  const deviation = await deviationFrom(mean);
  const params = { mean, factor: 1 / deviation };
  await Promise.all(slices.map((slice) => mill.run(standardise, slice, params)));
  const meanAfter = await meanOf();
  return { count, mean, deviation, meanAfter, deviationAfter: await deviationFrom(meanAfter) };
}

/** The numbers of a slice, to read and write where they lie. */
export function floatsOf({ bytes }: Slice): Float32Array<SharedArrayBuffer> {
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}

const total = (parts: readonly number[]): number => parts.reduce((all, part) => all + part, 0);

async function main(): Promise<void> {
  await using mill = await createMill({ memory: 128 * MiB });
  const slices = Array.from({ length: 64 }, () => mill.buffers.acquire(SLICE_BYTES));
  for (const slice of slices) {
    const floats = floatsOf(slice);
    for (let i = 0; i < floats.length; i++) floats[i] = 20 + 5 * Math.sin(i) + Math.random();
  }
  const startedAt = performance.now();
  const summary = await standardiseAll(mill, slices);
  const elapsedMs = performance.now() - startedAt;
  console.log({ ...summary, elapsedMs, copiedBytes: await mill.run(copied) });
  for (const slice of slices) slice.release();
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main();
