/** Ops that call the kernel of kernels.ts, whose address they are told. Plain JavaScript, for workers; see kernel-ops.d.mts. */
import { defineOp, Kernel } from '@millrace/workers';

const url = import.meta.url;

/** @type {Map<string, Kernel<import('./kernels.ts').Bytes>>} */
const kernels = new Map();

function kernelOf(address) {
  let kernel = kernels.get(address);
  if (!kernel) kernels.set(address, (kernel = new Kernel(address)));
  return kernel;
}

export const add = defineOp(url, 'add', {
  inPlace: true,
  run(bytes, { kernel, amount }) {
    kernelOf(kernel).on([bytes], (wasm, at) => wasm.add(at, bytes.length, amount));
  },
});

export const reverse = defineOp(url, 'reverse', {
  outputBound: (inputBytes) => inputBytes,
  run(bytes, { kernel }, { output }) {
    kernelOf(kernel).on([bytes, output], (wasm, from, to) => wasm.reverse(from, to, bytes.length));
    return bytes.length;
  },
});

/** The address that the kernel is given. */
export const where = defineOp(url, 'where', {
  run: (bytes, { kernel }) => kernelOf(kernel).on([bytes], (wasm, at) => wasm.where(at)),
});

/** Goes far beyond the bytes. */
export const stray = defineOp(url, 'stray', {
  inPlace: true,
  run(bytes, { kernel }) {
    kernelOf(kernel).on([bytes], (wasm) => wasm.add(-16, 16, 1));
  },
});

/** What the kernel has done in the thread that runs this. */
export const stats = defineOp(url, 'stats', {
  run: (_bytes, { kernel }) => kernelOf(kernel).stats(),
});
