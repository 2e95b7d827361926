/** Watched slices that real threads pass on: whoever ends the lease is told of what was done to it. */
import type { BufferPools, MillraceError, SafetyLevel, SliceHandle } from '@millrace/core';
import { CORRUPTED, stateOf, type SlabTable } from '@millrace/core/internal';
import { expect, test } from 'vitest';
import { wordOf } from './audit.ts';
import { OWNER, createTable, join, register } from './memory.ts';
import { runJob } from './threads.ts';

const MiB = 1024 * 1024;

interface Started {
  table: SlabTable;
  main: BufferPools;
  /** What the main thread is told of. */
  reports: MillraceError[];
}

/** What came of it when a thread released a slice that it had adopted. */
interface Outcome {
  first: number;
  code?: string;
  message?: string;
  reports: string[];
}

function start(safety: SafetyLevel): Started {
  const table = createTable(3, { safety });
  const reports: MillraceError[] = [];
  const main = join(table, { onReport: (error) => void reports.push(error) });
  return { table, main, reports };
}

/** Lets a thread lease a slice of `bytes` bytes, write to those `beyond` it, too, and hand it over. */
async function passOn(table: SlabTable, bytes: number, beyond: number[]) {
  const thread = register(table);
  const slice = await runJob('passOn', { handle: table.handle, thread, bytes, beyond });
  return { thread, slice: slice as SliceHandle };
}

async function adoptAndRelease(
  table: SlabTable,
  slice: SliceHandle,
  late?: number,
): Promise<Outcome> {
  const orders = { handle: table.handle, thread: register(table), slice };
  const told = late === undefined ? orders : { ...orders, late };
  return (await runJob('adoptAndRelease', told)) as Outcome;
}

test.each([1, 4096, 5000, MiB, 4 * MiB, 5 * MiB])(
  'a slice of %i bytes that one thread overran and handed over is told of where another releases it',
  async (bytes) => {
    const { table, main, reports } = start('full');
    const { thread, slice } = await passOn(table, bytes, [bytes]);
    const { first, code, message } = await adoptAndRelease(table, slice);
    expect([first, code]).toEqual([thread, 'ERR_SLICE_OVERRUN']);
    expect(message).toContain(`${bytes} bytes in slot ${slice.ref}`);
    expect(stateOf(wordOf(table, slice.ref)), 'the slot is lent no more').toBe(CORRUPTED);
    expect(main.stats().slices).toEqual({ leased: 1, returned: 1, swept: 0, live: 0 });
    expect(reports).toEqual([]);
  },
);

test('the first lease of a thread under `sampled` is watched, wherever it ends', async () => {
  const { table } = start('sampled');
  const { slice } = await passOn(table, 100, [-1]);
  expect(await adoptAndRelease(table, slice)).toMatchObject({ code: 'ERR_SLICE_OVERRUN' });
});

test('under `off`, nobody is told of an overrun, and the slot is lent again', async () => {
  const { table, main } = start('off');
  const { thread, slice } = await passOn(table, 100, [100]);
  const released = await adoptAndRelease(table, slice);
  expect(released).toEqual({ first: thread, code: undefined, message: undefined, reports: [] });
  expect(main.stats().slices.live).toBe(0);
});

test('a slice that one thread leased and another released unharmed is nobody’s business', async () => {
  const { table, main, reports } = start('full');
  const { thread, slice } = await passOn(table, MiB, []);
  const released = await adoptAndRelease(table, slice);
  expect(released).toEqual({ first: thread, code: undefined, message: undefined, reports: [] });
  const next = main.acquire(MiB);
  expect(next.ref).toBe(slice.ref);
  next.release();
  expect(reports).toEqual([]);
});

test('a write after a release is reported by the thread that leases the slot next', async () => {
  const { table, main, reports } = start('full');
  const { slice } = await passOn(table, MiB, []);
  expect((await adoptAndRelease(table, slice, MiB - 1)).reports).toEqual([]);
  const next = main.acquire(MiB);
  expect(next.ref).not.toBe(slice.ref);
  expect(reports.map(({ code }) => code)).toEqual(['ERR_SLICE_LATE_WRITE']);
  expect(stateOf(wordOf(table, slice.ref))).toBe(CORRUPTED);
});

test('a watched slice that a thread left behind is told of until it is swept', async () => {
  const { table, main } = start('full');
  const { thread, slice } = await passOn(table, 100, []);
  expect(main.leaks(0)).toEqual([{ ref: slice.ref, byteLength: 100, thread, trace: undefined }]);
  expect(main.sweep(thread, OWNER)).toBe(1);
  expect(main.leaks(0)).toEqual([]);
});
