/** Gets that wait: who is served when, what ends a wait, and that every one ends. */
import {
  BufferManager,
  BufferPools,
  type AllocationPriority,
  type BufferEvent,
  type BufferManagerConfig,
  type BufferPoolsOptions,
  type BufferWaitOptions,
  type ManagedBuffer,
  type Slice,
} from '@millrace/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { OWNER } from '../memory.ts';
import { Workshop } from './workshop.ts';

const KiB = 1024;
const MiB = 1024 * KiB;
/** As large as all memory is. */
const ALL = 4 * MiB;

/** Memory for one huge buffer, or for four large ones. */
function make(config: BufferManagerConfig = {}, options: Partial<BufferPoolsOptions> = {}) {
  const pools = BufferPools.create({ memory: ALL, ...options }, OWNER);
  const events: BufferEvent[] = [];
  const manager = new BufferManager(
    pools,
    { allocationStrategy: 'pooled', ...config },
    { onEvent: (event) => void events.push(event) },
  );
  return { pools, manager, events, live: () => pools.stats().slices.live };
}

async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => 'served',
    (error: { code: string }) => error.code,
  );
}

/** Lets all that is ready go on. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

test('a get that finds something does not wait', async () => {
  const { manager } = make();
  const buffer = await manager.getBufferAsync(100, { tag: 'mine' });
  expect([buffer.class, buffer.metadata.get('tag'), manager.waiting]).toEqual(['small', 'mine', 0]);
  buffer.release();
});

test('whoever waits gets what comes back, first come, first served', async () => {
  const { manager } = make();
  const held = manager.getBuffer(ALL);
  const served: number[] = [];
  const waiting = [0, 1, 2].map(async (place) => {
    const buffer = await manager.getBufferAsync(3 * MiB);
    served.push(place);
    expect(buffer.state).toBe('in-use');
    buffer.release();
  });
  await turn();
  expect([manager.waiting, served]).toEqual([3, []]);
  held.release();
  await Promise.all(waiting);
  expect([manager.waiting, served]).toEqual([0, [0, 1, 2]]);
  manager.close();
});

test('when all have been served, whoever asks at that moment is served too', async () => {
  const { manager } = make();
  const held = [1, 2, 3, 4].map(() => manager.getBuffer(MiB));
  const waiting = manager.getBufferAsync(MiB);
  await turn();
  held.pop()!.release();
  expect(manager.waiting).toBe(0);
  held.pop()!.release();
  const late = await manager.getBufferAsync(MiB, { timeoutMs: 0 });
  for (const buffer of [...held, await waiting, late]) buffer.release();
  manager.close();
});

test('what comes back is theirs before anybody else can ask', async () => {
  const { manager } = make();
  const held = manager.getBuffer(ALL);
  const waiting = manager.getBufferAsync(ALL);
  await turn();
  held.release();
  expect(() => manager.getBuffer(ALL)).toThrow(
    expect.objectContaining({ code: 'ERR_POOL_EXHAUSTED' }),
  );
  (await waiting).release();
});

test('who comes when memory has just come back stands behind who waits for it', async () => {
  const { pools, manager } = make();
  const slice = pools.acquire(ALL);
  const served: string[] = [];
  const get = async (name: string): Promise<void> => {
    const buffer = await manager.getBufferAsync(ALL);
    served.push(name);
    buffer.release();
  };
  const first = get('first');
  await turn();
  slice.release();
  await Promise.all([first, get('second')]);
  expect(served).toEqual(['first', 'second']);
  manager.close();
});

test('the more urgent come first, and each keeps to its line', async () => {
  const { manager } = make();
  let held = manager.getBuffer(ALL);
  const served: string[] = [];
  const priorities: AllocationPriority[] = ['normal', 'critical', 'normal', 'high', 'critical'];
  const waiting = priorities.map(async (priority, place) => {
    held = await manager.getBufferAsync(ALL, { priority });
    served.push(`${priority} ${place}`);
  });
  await turn();
  for (let count = 1; count <= priorities.length; count++) {
    held.release();
    await turn();
    expect(served).toHaveLength(count);
  }
  await Promise.all(waiting);
  expect(served).toEqual(['critical 1', 'critical 4', 'high 3', 'normal 0', 'normal 2']);
  held.release();
});

test('memory that others give back to the pools is waited for as well', async () => {
  const { pools, manager } = make();
  const slice = pools.acquire(ALL);
  const waiting = [100, 60 * KiB, 1 * MiB].map((size) => manager.getBufferAsync(size));
  await turn();
  expect(manager.waiting).toBe(3);
  slice.release();
  // Slabs of 4 MiB serve one size class at a time: the next one is served when that before has left.
  for (let left = 3; left > 0; left--) {
    const [at, buffer] = await Promise.race(
      waiting.map(async (served, place) => [place, await served] as const),
    );
    buffer.release();
    void waiting.splice(at, 1);
    manager.drain();
  }
  manager.close();
  expect(pools.stats().slices.live).toBe(0);
});

test('a critical get may use the reserve, where others wait', async () => {
  const { pools, manager } = make({}, { memory: 2 * ALL, reserve: ALL });
  const held = manager.getBuffer(ALL);
  const normal = manager.getBufferAsync(ALL);
  await turn();
  const critical = await manager.getBufferAsync(ALL, { priority: 'critical' });
  expect(manager.waiting).toBe(1);
  const another = manager.getBufferAsync(ALL, { priority: 'critical' });
  await turn();
  critical.release();
  (await another).release();
  expect(manager.waiting).toBe(1);
  held.release();
  (await normal).release();
  manager.close();
  expect(pools.stats().slices.live).toBe(0);
});

test('one of low priority waits until there is memory to spare', async () => {
  const { pools, manager } = make({ gcTriggerRatio: 0.4 }, { memory: 2 * ALL });
  const slice = pools.acquire(ALL);
  const low = manager.getBufferAsync(100, { priority: 'low' });
  const normal = await manager.getBufferAsync(100);
  await turn();
  expect(manager.waiting).toBe(1);
  slice.release();
  (await low).release();
  normal.release();
  manager.close();
});

test('its time is up', async () => {
  const { manager, events } = make();
  const held = manager.getBuffer(ALL);
  for (const timeoutMs of [0, 20]) {
    const waiting = manager.getBufferAsync(ALL, { timeoutMs });
    await expect(waiting).rejects.toThrow(
      `Cannot get a buffer of ${ALL} bytes within ${timeoutMs} ms`,
    );
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_POOL_EXHAUSTED' });
  }
  expect(manager.waiting).toBe(0);
  expect(manager.allocator.stats().failedAllocations).toBe(2);
  expect(events.filter(({ success }) => !success)).toHaveLength(2);
  held.release();
});

test('its signal is aborted, and whoever stands behind moves up', async () => {
  const { manager } = make();
  const held = manager.getBuffer(ALL);
  const cause = new Error('enough');
  const stop = new AbortController();
  const first = manager.getBufferAsync(ALL, { signal: stop.signal });
  const second = manager.getBufferAsync(ALL);
  await turn();
  stop.abort(cause);
  await expect(first).rejects.toMatchObject({ code: 'ERR_ABORTED', cause });
  expect(manager.waiting).toBe(1);
  held.release();
  (await second).release();
  expect(await codeOf(manager.getBufferAsync(100, { signal: stop.signal }))).toBe('ERR_ABORTED');
});

test('all who wait are refused when the manager is closed, and those who come later', async () => {
  const { pools, manager } = make();
  const held = manager.getBuffer(ALL);
  const sizes = [100, 100, MiB, ALL];
  const waiting = sizes.map((size) => codeOf(manager.getBufferAsync(size)));
  await turn();
  manager.close();
  expect(await Promise.all(waiting)).toEqual(Array(4).fill('ERR_CLOSED'));
  expect(await codeOf(manager.getBufferAsync(100))).toBe('ERR_CLOSED');
  expect(manager.waiting).toBe(0);
  held.release();
  expect(pools.stats().slices.live).toBe(0);
  // Nobody is kept from the pools by a wait that has ended.
  pools.acquire(ALL).release();
});

test.each<[unknown, BufferWaitOptions, string]>([
  [0, {}, 'ERR_SIZE'],
  [2 ** 40, {}, 'ERR_SIZE'],
  [10, { maxSize: 5 }, 'ERR_SIZE'],
  [10, { priority: 'urgent' as 'high' }, 'ERR_INVALID_ARG'],
  [10, { timeoutMs: -1 }, 'ERR_INVALID_ARG'],
])('%d bytes with %o are refused at once', async (size, options, code) => {
  const { manager } = make();
  expect(await codeOf(manager.getBufferAsync(size as number, options))).toBe(code);
  expect(manager.allocator.stats().failedAllocations).toBe(0);
});

test('what is wrong with the factory is told to who waits, not to who releases', async () => {
  const { pools } = make();
  const workshop = new Workshop();
  const manager = new BufferManager(
    pools,
    { allocationStrategy: 'pooled', pools: { small: { maxSize: 0 } } },
    { factory: workshop },
  );
  const held = manager.getBuffer(100);
  const slice = pools.acquire(ALL);
  workshop.left = 0;
  const waiting = codeOf(manager.getBufferAsync(100));
  await turn();
  workshop.throws.create = Object.assign(new Error('broken'), { code: 'BROKEN' });
  held.release();
  expect(await waiting).toBe('BROKEN');
  slice.release();
});

test('whatever comes and goes, all are served, in each line in its order', async () => {
  const wish = fc.record({
    size: fc.constantFrom(100, 60 * KiB, MiB, ALL),
    priority: fc.constantFrom<AllocationPriority>('critical', 'high', 'normal'),
  });
  const cases = fc.asyncProperty(
    fc.array(wish, { maxLength: 25 }),
    fc.infiniteStream(fc.nat()),
    fc.nat(3),
    async (wishes, chance, slices) => {
      const { pools, manager } = make();
      const held: (ManagedBuffer | Slice)[] = [];
      for (let left = slices; left > 0; left--) held.push(pools.acquire(MiB));
      const orders = new Map<string, number[]>();
      const served = wishes.map(async ({ size, priority }, place) => {
        const buffer = await manager.getBufferAsync(size, { priority });
        const key = `${buffer.class} ${priority}`;
        orders.set(key, [...(orders.get(key) ?? []), place]);
        held.push(buffer);
      });
      const all = Promise.all(served);
      let done = false;
      void all.then(() => (done = true));
      while (!done) {
        await turn();
        const next = Number(chance.next().value) % Math.max(1, held.length);
        held.splice(next, 1)[0]?.release();
      }
      for (const one of held) one.release();
      manager.close();
      for (const order of orders.values()) expect(order).toEqual(order.toSorted((a, b) => a - b));
      expect(pools.stats().slices.live).toBe(0);
    },
  );
  await fc.assert(cases, { numRuns: 40 });
});
