/** Makes mills, uses and closes them, and prints how many of them are in memory once the engine has tidied up. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createMill } from '@millrace/workers';
import { defined } from './functions.mjs';
import { copy, sum } from './ops.mjs';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');
const MILLS = 6;
const PATIENCE_MS = 10_000;

async function useOne(drain) {
  const mill = await createMill({ threads: 2 });
  await mill.run(sum, new Uint8Array([7]));
  await mill.run(copy, new Uint8Array(300_000));
  await mill.call(defined, ['a']);
  const counter = await mill.remote(new URL('objects.mjs', import.meta.url), 'Counter');
  await counter.add(1);
  mill.memory.onPressure(() => {});
  mill.adaptive.stats();
  for await (const part of mill.iterate(copy, [new Uint8Array(100)])) part.fill(1);
  await mill.close({ drain });
  return new WeakRef(mill);
}

const mills = [];
for (let i = 0; i < MILLS; i++) mills.push(await useOne(i % 2 === 0));

const deadline = performance.now() + PATIENCE_MS;
let left;
do {
  await new Promise((resolve) => setTimeout(resolve, 20));
  collect();
  left = mills.filter((mill) => mill.deref() !== undefined).length;
} while (left > 0 && performance.now() < deadline);
console.log(left);
