/** Settings that are out of range are refused by name and rule; those that are not reach every thread. */
import { BufferPools, SIZE_CLASSES, type BufferPoolsOptions } from '@millrace/core';
import {
  HEADER_SLABS,
  PAGE_BYTES,
  SlabTable,
  checked,
  fromWords,
  toWords,
} from '@millrace/core/internal';
import { expect, test } from 'vitest';
import { HEADER_GUARD, HEADER_SETTINGS } from '../dist/memory/layout.js';
import { thrownBy } from './thrown.ts';

const MiB = 1024 * 1024;
const MEMORY = 16 * MiB;

const bad: [name: keyof BufferPoolsOptions, rule: string, values: unknown[]][] = [
  ['memory', '4 MiB', [0, -1, 4 * MiB - 1, MEMORY + 0.5, NaN, Infinity, 2 ** 43, '16', null]],
  ['counters', '0 to 4096', [-1, 0.5, NaN, Infinity, 4097, '3', null]],
  ['reserve', '4 MiB less than "memory"', [-1, 0.5, NaN, MEMORY, MEMORY - 4 * MiB + 1, '4', null]],
  ['growthFactor', 'from 1 to 8', [0, 0.99, 8.01, -1, NaN, Infinity, '2', null]],
  ['maxBytesPerClass', '4 MiB', [0, 4 * MiB - 1, 4.5 * MiB + 0.5, NaN, -1, Infinity, '8']],
  ['shrinkThreshold', 'from 0 to 1', [-0.01, 1.01, NaN, Infinity, '0.5', null]],
  ['maxAgeMs', 'positive', [0, -1, NaN, '25', null]],
  ['safety', 'off, sampled, full', ['on', '', true, null, 1]],
];

test.each(bad.flatMap(([name, rule, values]) => values.map((value) => ({ name, rule, value }))))(
  'a setting "$name" of $value is refused',
  ({ name, rule, value }) => {
    const options = { memory: MEMORY, [name]: value };
    const error = thrownBy(() => BufferPools.create(options, 0));
    expect(error.code).toBe('ERR_INVALID_ARG');
    expect(error.message).toContain(`"${name}" of ${String(value)}`);
    expect(error.message).toContain(rule);
  },
);

test.each<[what: string, options: BufferPoolsOptions]>([
  ['the defaults', { memory: MEMORY }],
  ['the least', { memory: 4 * MiB, counters: 0, reserve: 0, growthFactor: 1, shrinkThreshold: 0 }],
  [
    'the most',
    {
      memory: MEMORY,
      counters: 4096,
      reserve: MEMORY - 4 * MiB,
      growthFactor: 8,
      shrinkThreshold: 1,
      maxAgeMs: Infinity,
      maxBytesPerClass: 2 ** 50,
    },
  ],
  ['others', { memory: MEMORY, maxAgeMs: 25, maxBytesPerClass: 9 * MiB, safety: 'sampled' }],
  ['full safety', { memory: MEMORY, growthFactor: 1.5, safety: 'full' }],
])('%s are read in another thread as they were set', (_, options) => {
  const pools = BufferPools.create(options, 0);
  const { slabs, settings } = checked(options);
  expect(fromWords(SlabTable.attach(pools.handle).words)).toEqual(settings);
  const header = new Int32Array(64);
  header.set(toWords(settings), HEADER_SETTINGS);
  header[HEADER_SLABS] = slabs;
  header[HEADER_GUARD] = settings.safety === 'off' ? 0 : PAGE_BYTES;
  expect(fromWords(header)).toEqual(settings);
});

const unsound: [what: string, index: number, words: number[]][] = [
  ['a reserve', 0, [-1, 4, 2 ** 30]],
  ['a growth factor', 1, [0, -1, 2 ** 16 - 1, 8 * 2 ** 16 + 1]],
  ['a most of slabs', 2, [0, -1, 2 ** 20 + 1]],
  ['a shrink threshold', 3, [-1, 2 ** 16 + 1]],
  ['a greatest age', 4, [-1, -(2 ** 31)]],
  ['a level of safety', 5, [-1, 1, 2, 3]],
];

test.each(unsound.flatMap(([what, index, words]) => words.map((word) => ({ what, index, word }))))(
  'who attaches does not go by $what of $word',
  ({ index, word }) => {
    const { handle, thread } = BufferPools.create({ memory: MEMORY }, 0);
    const header = new Int32Array(handle.control);
    const sound = header[HEADER_SETTINGS + index]!;
    header[HEADER_SETTINGS + index] = word;
    const error = thrownBy(() => BufferPools.attach(handle, thread));
    expect(error.code).toBe('ERR_BAD_HANDLE');
    expect(error.message).toContain(String(word));
    header[HEADER_SETTINGS + index] = sound;
    using slice = BufferPools.attach(handle, thread).acquire(1);
    expect(slice.live).toBe(true);
  },
);

test('who attaches guarded memory does not take it for unguarded', () => {
  const { handle, thread } = BufferPools.create({ memory: MEMORY, safety: 'full' }, 0);
  new Int32Array(handle.control)[HEADER_SETTINGS + 5] = 0;
  expect(thrownBy(() => BufferPools.attach(handle, thread)).code).toBe('ERR_BAD_HANDLE');
});

test('sizes in settings are whole slabs: the reserve rounded up, the rest down', () => {
  const { slabs, settings } = checked({
    memory: MEMORY + 1,
    reserve: 1,
    maxBytesPerClass: 8 * MiB - 1,
    maxAgeMs: 1,
  });
  expect(slabs).toBe(4);
  expect(settings).toMatchObject({ reserveSlabs: 1, maxSlabsPerClass: 1, maxAgeTicks: 1 });
});

test('a memory that is only just large enough for its reserve still lends a slab to all', () => {
  const pools = BufferPools.create({ memory: 8 * MiB, reserve: 4 * MiB }, 0);
  for (const bytes of SIZE_CLASSES) {
    using slice = pools.acquire(bytes);
    expect(slice.live).toBe(true);
  }
});
