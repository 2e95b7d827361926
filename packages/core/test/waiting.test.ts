/** Those who wait for memory: first come, first served, over all threads, and no wake-up is lost. */
import type { BufferPools, Slice, ThreadId } from '@millrace/core';
import { CLAIMED, slabStateOf, type SlabTable } from '@millrace/core/internal';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { WAITING } from '../dist/memory/layout.js';
import { WAITING_ROOM_WORDS } from '../dist/pools/waiting-room.js';
import { ManualResetEvent } from '../dist/sync/event.js';
import { Semaphore } from '../dist/sync/semaphore.js';
import { expectSound } from './audit.ts';
import { OWNER, createTable, join, register, roomOf } from './memory.ts';
import { atEveryGap, dyingAtEveryGap } from './steps.ts';
import { codeOfRejection, until } from './sync-threads.ts';
import { codeOf, thrownBy } from './thrown.ts';
import { resultOf, runJob, sharedWords, startThread } from './threads.ts';

const KiB = 1024;
const MiB = 1024 * KiB;
const SLAB_BYTES = 4 * MiB;
const MiB_LINE = 6;
const RUN_LINE = 7;
/** Of each line: the turn, and the event. */
const CLASS_WORDS = WAITING_ROOM_WORDS / 8;

interface Full {
  table: SlabTable;
  pools: BufferPools;
  others: BufferPools;
  /** All there is, as four slices of 1 MiB, which `pools` holds. */
  slices: Slice[];
}

function full(): Full {
  const table = createTable(1);
  const [pools, others] = [join(table), join(table)];
  const slices = Array.from({ length: 4 }, () => pools.acquire(MiB));
  return { table, pools, others, slices };
}

/** Who waits in a line: one bit for every 32nd thread. */
function waitingIn(table: SlabTable, line = MiB_LINE): number {
  return Atomics.load(table.words, WAITING + line);
}

function startWaiting(table: SlabTable, numbers = sharedWords(1), keep = false) {
  const thread = register(table);
  const { handle } = table;
  const orders = { handle, thread, bytes: MiB, timeoutMs: Infinity, numbers, keep };
  return { thread, worker: startThread('wait', orders) };
}

test('a thread that waits for a slice has it when another thread releases one', async () => {
  const { table, slices } = full();
  const { thread, worker } = startWaiting(table);
  const job = resultOf(worker);
  await until(() => waitingIn(table) === 1 << thread);
  slices.pop()!.release();
  expect(await job).toBe(0);
  expect(waitingIn(table)).toBe(0);
  expectSound(
    table,
    slices.map(({ ref }) => ref),
  );
});

test('who waits in vain is told so when the time is up, and stands in no line', async () => {
  const { table, pools, others } = full();
  const error = thrownBy(() => others.acquire(MiB, { timeoutMs: 5 }));
  expect(error.code).toBe('ERR_POOL_EXHAUSTED');
  expect(error.message).toContain('within 5 ms');
  expect(await codeOfRejection(others.acquireAsync(MiB, { timeoutMs: 5 }))).toBe(
    'ERR_POOL_EXHAUSTED',
  );
  const numbers = sharedWords(1);
  const orders = {
    handle: table.handle,
    thread: register(table),
    bytes: MiB,
    timeoutMs: 5,
    numbers,
  };
  expect(await runJob('wait', orders)).toBe('ERR_POOL_EXHAUSTED');
  expect(waitingIn(table)).toBe(0);
  expect(pools.stats().slices).toMatchObject({ leased: 4, live: 4 });
});

test.each([-1, NaN, 'soon'])('a timeout of %s is refused', async (timeoutMs) => {
  const { others } = full();
  const limits = { timeoutMs: timeoutMs as number };
  expect(await codeOfRejection(others.acquireAsync(MiB, limits))).toBe('ERR_INVALID_ARG');
});

test('tasks of several threads are served in the order in which they came', async () => {
  const { table, pools, others, slices } = full();
  const served: number[] = [];
  const tasks = Array.from({ length: 9 }, async (_, n) => {
    const slice = await (n % 3 === 1 ? pools : others).acquireAsync(MiB);
    served.push(n);
    slice.release();
  });
  expect(waitingIn(table)).toBe((1 << pools.thread) | (1 << others.thread));
  expect(lineLength(table)).toBe(9);
  slices.pop()!.release();
  await Promise.all(tasks);
  expect(served).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  expect(waitingIn(table)).toBe(0);
});

test('a thread and the tasks of another are served in the order in which they came', async () => {
  const { table, others, slices } = full();
  const numbers = sharedWords(1);
  const number = async (): Promise<number> => {
    const slice = await others.acquireAsync(MiB);
    const mine = Atomics.add(numbers, 0, 1);
    slice.release();
    return mine;
  };
  const first = number();
  const { thread, worker } = startWaiting(table, numbers);
  const second = resultOf(worker);
  await until(() => waitingIn(table) === ((1 << others.thread) | (1 << thread)));
  // In its line, not only noted: the semaphore is told of a waiter a moment later.
  await until(() => lineLength(table) === 2);
  const third = number();
  slices.pop()!.release();
  expect(await Promise.all([first, second, third])).toEqual([0, 1, 2]);
});

/** How many hold or await the turn of a line. */
function lineLength(table: SlabTable, line = MiB_LINE): number {
  const at = table.layout.extraAt + line * CLASS_WORDS;
  const { held, waiting } = new Semaphore(table.words, at, 1 as ThreadId).stats();
  return held.length + waiting.length;
}

test('who comes while others wait does not overtake them', async () => {
  const { others, pools, slices } = full();
  const served: string[] = [];
  const first = others.acquireAsync(MiB).then(() => served.push('first'));
  slices.pop()!.release();
  const second = pools.acquireAsync(MiB).then(() => served.push('second'));
  slices.pop()!.release();
  await Promise.all([first, second]);
  expect(served).toEqual(['first', 'second']);
});

test('who gives up makes room for the next', async () => {
  const { table, others, slices } = full();
  const abort = new AbortController();
  const first = others.acquireAsync(MiB, { signal: abort.signal });
  const second = others.acquireAsync(MiB);
  const third = others.acquireAsync(MiB, { signal: abort.signal });
  abort.abort(new RangeError('enough'));
  await expect(first).rejects.toMatchObject({
    code: 'ERR_ABORTED',
    cause: expect.objectContaining({ message: 'enough' }) as unknown,
  });
  expect(await codeOfRejection(third)).toBe('ERR_ABORTED');
  slices.pop()!.release();
  expect((await second).live).toBe(true);
  expect(waitingIn(table)).toBe(0);
  expect(await codeOfRejection(others.acquireAsync(MiB, { signal: abort.signal }))).toBe(
    'ERR_ABORTED',
  );
});

test('the death of the one whose turn it is gives the turn to the next', async () => {
  const { table, pools, others, slices } = full();
  const { thread, worker } = startWaiting(table);
  resultOf(worker).catch(() => undefined);
  await until(() => lineLength(table) === 1);
  const next = others.acquireAsync(MiB);
  await until(() => lineLength(table) === 2);
  const exited = once(worker, 'exit');
  await worker.terminate();
  await exited;
  slices.pop()!.release();
  expect(pools.sweep(thread, OWNER)).toBe(0);
  expect((await next).live).toBe(true);
  expect(waitingIn(table)).toBe(0);
});

test('the death of a holder serves who waits, after its sweep', async () => {
  const { table, pools, others } = full();
  const wait = others.acquireAsync(SLAB_BYTES);
  const third = join(table);
  expect(third.sweep(pools.thread, OWNER)).toBe(4);
  expect((await wait).byteLength).toBe(SLAB_BYTES);
});

test('a slot in the magazine of another thread is found, and so is one that is put there meanwhile', async () => {
  const table = createTable(1);
  const [pools, others] = [join(table), join(table)];
  const slices = Array.from({ length: 16 }, () => pools.acquire(256 * KiB));
  slices.pop()!.release();
  const found = others.acquire(256 * KiB);
  const wait = others.acquireAsync(256 * KiB);
  slices.pop()!.release();
  expect((await wait).live).toBe(true);
  expect(found.live).toBe(true);
  expect(pools.stats().slices.live).toBe(16);
});

test('a slab whose last slice of another class is released serves who waits', async () => {
  const { table, pools, others, slices } = full();
  const waits = [others.acquireAsync(SLAB_BYTES), others.acquireAsync(100)];
  for (const slice of slices.splice(0, 3)) slice.release();
  await Promise.resolve();
  expect(pools.stats().slices.live).toBe(1);
  slices.pop()!.release();
  const first = await Promise.race(waits);
  first.release();
  for (const wait of waits) if ((await wait).live) (await wait).release();
  expectSound(table, []);
});

test('a run is waited for, and had when its last slab is free', async () => {
  const table = createTable(2);
  const [pools, others] = [join(table), join(table)];
  const slices = [pools.acquire(MiB), pools.acquire(SLAB_BYTES)];
  const wait = others.acquireAsync(6 * MiB);
  slices[0]!.release();
  slices[1]!.release();
  expect((await wait).byteLength).toBe(6 * MiB);
});

test('no wake-up is lost when a slice is released at any step of who begins to wait', async () => {
  const waits: Promise<Slice>[] = [];
  const gaps = atEveryGap((interrupt) => {
    const { others, slices } = full();
    interrupt(
      () => void waits.push(others.acquireAsync(MiB)),
      () => slices.pop()!.release(),
    );
    if (slices.length === 4) slices.pop()!.release();
  });
  for (const slice of await Promise.all(waits)) expect(slice.live).toBe(true);
  expect(gaps).toBeGreaterThan(20);
});

test.each([MiB, 6 * MiB, 256 * KiB])(
  'no wake-up is lost when somebody begins to wait at any step of a release of %i bytes',
  async (bytes) => {
    const waits: Promise<Slice>[] = [];
    atEveryGap((interrupt) => {
      const table = createTable(2);
      const [pools, others] = [join(table), join(table)];
      const slices: Slice[] = [];
      for (let slice = pools.tryAcquire(bytes); slice; slice = pools.tryAcquire(bytes)) {
        slices.push(slice);
      }
      const before = waits.length;
      const begin = (): void => void waits.push(others.acquireAsync(bytes));
      interrupt(() => slices.pop()!.release(), begin);
      if (waits.length === before) begin();
    });
    for (const slice of await Promise.all(waits)) expect(slice.live).toBe(true);
  },
);

test.each([6 * MiB, SLAB_BYTES, MiB])(
  'those who wait for %i bytes look again when another has claimed slabs for a run in vain',
  async (bytes) => {
    const line = bytes === MiB ? MiB_LINE : RUN_LINE;
    const waits: Promise<Slice>[] = [];
    let inVain = 0;
    atEveryGap((interrupt) => {
      const table = createTable(3);
      const [pools, others, third] = [join(table), join(table), join(table)];
      const { life } = roomOf(table, third.thread);
      for (const slab of [0, 1, 2]) life.reserve(slab);
      waits.push(others.acquireAsync(bytes));
      for (const slab of [0, 1, 2]) life.release(slab);
      const at = table.layout.extraAt + line * CLASS_WORDS + Semaphore.words();
      const event = new ManualResetEvent(table.words, at, third.thread);
      event.reset();
      let run: Slice | undefined;
      let claimed = false;
      // While it is claimed, a slab is out of reach of whoever looks, and he may sleep by now.
      interrupt(
        () => (run = pools.tryAcquire(12 * MiB)),
        () => {
          claimed = slabStateOf(table.slabWord(0)) === CLAIMED;
          life.reserve(2);
        },
      );
      if (claimed && !run) {
        inVain++;
        expect(event.stats().set).toBe(true);
      }
      run?.release();
    });
    for (const slice of await Promise.all(waits)) expect(slice.live).toBe(true);
    expect(inVain, 'gaps in which a claim was in vain').toBeGreaterThan(0);
  },
);

test('who needs one slot has it at any step of another that takes several for its stock', () => {
  const gaps = atEveryGap((interrupt) => {
    const table = createTable(1);
    const [pools, others] = [join(table), join(table)];
    const slices = Array.from({ length: 14 }, () => pools.acquire(256 * KiB));
    slices[0]!.release();
    pools.trim();
    const stock = slices.slice(1);
    const mine = join(table);
    let theirs: Slice | undefined;
    interrupt(
      () => mine.tryAcquire(256 * KiB),
      () => (theirs = others.tryAcquire(256 * KiB)),
    );
    theirs ??= others.tryAcquire(256 * KiB);
    expect(theirs, `three are free beside ${stock.length} that are lent`).toBeDefined();
  });
  expect(gaps).toBeGreaterThan(10);
});

test('a thread that dies at any step of a wait holds up nobody after its sweep', () => {
  dyingAtEveryGap((mortal) => {
    const { table, pools, others, slices } = full();
    mortal(() => {
      expect(codeOf(() => others.acquire(MiB, { timeoutMs: 0.01 }))).toBe('ERR_POOL_EXHAUSTED');
    });
    pools.sweep(others.thread, OWNER);
    slices.pop()!.release();
    const next = join(table).acquire(MiB, { timeoutMs: 60_000 });
    expect(next.live).toBe(true);
  });
});
