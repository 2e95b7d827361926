/** What the examples' `standardise` and `sum` do by a kernel on slices, done in other ways. */
import { readFileSync } from 'node:fs';
import { defineOp } from '@millrace/workers';

interface Floats {
  standardise(at: number, count: number, mean: number, factor: number): void;
}

export interface Standardise {
  mean: number;
  factor: number;
}

const FLOAT_BYTES = 4;
const PAGE_BYTES = 65_536;

export const standardiseInJavaScript = defineOp<Standardise>(
  import.meta.url,
  'standardiseInJavaScript',
  {
    inPlace: true,
    run(bytes, { mean, factor }) {
      const floats = floatsOf(bytes);
      for (let i = 0; i < floats.length; i++) floats[i] = (floats[i]! - mean) * factor;
    },
  },
);

export const sumInJavaScript = defineOp(import.meta.url, 'sumInJavaScript', {
  run(bytes) {
    const floats = floatsOf(bytes);
    let total = 0;
    for (let i = 0; i < floats.length; i++) total += floats[i]!;
    return total;
  },
});

/** The same kernel with a memory of its own, as one has it without shared arenas: copied in, and out. */
export const standardiseOnCopies = defineOp<Standardise>(import.meta.url, 'standardiseOnCopies', {
  inPlace: true,
  run(bytes, { mean, factor }) {
    const { wasm, own } = (loaded ??= load());
    own.set(bytes);
    wasm.standardise(0, bytes.length / FLOAT_BYTES, mean, factor);
    bytes.set(own.subarray(0, bytes.length));
  },
});

let loaded: { wasm: Floats; own: Uint8Array } | undefined;

/** The most bytes that {@link standardiseOnCopies} takes. */
export const MOST_BYTES = 4 * 1024 * 1024;

function load(): { wasm: Floats; own: Uint8Array } {
  const example = import.meta.resolve('@millrace/examples/standardise');
  const module = new WebAssembly.Module(readFileSync(new URL('./floats.wasm', example)));
  const pages = MOST_BYTES / PAGE_BYTES;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return { wasm: exports as unknown as Floats, own: new Uint8Array(memory.buffer) };
}

function floatsOf({ buffer, byteOffset, byteLength }: Uint8Array): Float32Array {
  return new Float32Array(buffer, byteOffset, byteLength / FLOAT_BYTES);
}
