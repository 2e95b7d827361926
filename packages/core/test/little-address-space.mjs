// Uses pools in a process whose address space is too small for shared WebAssembly memory, and prints what came of it.

import { BufferPools, SIZE_CLASSES } from '@millrace/core';

const memory = 64 * 1024 * 1024;
const pools = BufferPools.create({ memory }, 0);

const lendAll = () => {
  const slices = [];
  for (let lent = 0; lent < memory; lent += SIZE_CLASSES[5])
    slices.push(pools.acquire(SIZE_CLASSES[5]));
  return slices;
};
const bytesIn = (slices) => slices.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);

const slices = lendAll();
const lent = bytesIn(slices);
let exhausted = 'nothing was thrown';
try {
  pools.acquire(1);
} catch (error) {
  exhausted = error.code;
}
for (const slice of slices) slice.release();
const again = lendAll();
again[0].bytes[0] = 99;
const elsewhere = BufferPools.attach(pools.handle, pools.registry.register(1));
const readElsewhere = elsewhere.viewOf(again[0].ref, 1)[0];

console.log(
  JSON.stringify({
    arena: pools.stats().arena,
    lent,
    exhausted,
    lentAgain: bytesIn(again),
    readElsewhere,
  }),
);
