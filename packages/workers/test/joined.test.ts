/** Threads load this package and core from files that the build has joined: each thing must be there once. */
import { createMill } from '@millrace/workers';
import { expect, test } from 'vitest';
import { differences, hashed, started } from './joined-ops.mjs';
import { laden } from './light-ops.mjs';

test('in a thread, classes and registries of core and of this package exist once', async () => {
  const mill = await createMill({ threads: 1 });
  expect(await mill.run(differences)).toEqual({ names: [] });
  await mill.close();
});

test('a thread loads what it leases by when it leases', async () => {
  await using mill = await createMill({ threads: 1 });
  expect(await mill.run(laden)).toBe(2);
});

test('an op can submit a built-in op that it has imported', async () => {
  const mill = await createMill({ threads: 2 });
  expect(await mill.run(hashed, new Uint8Array(10))).toBe(32);
  await mill.close();
});

test('a thread that an op starts can create a mill and attach one', async () => {
  const mill = await createMill({ threads: 1 });
  expect(await mill.run(started)).toEqual(['ERR_NO_MILL', 0xcbf43926, 0xcbf43926]);
  await mill.close();
});
