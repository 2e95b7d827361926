import { createMill } from '@millrace/workers';
import { afterAll, expect, test } from 'vitest';
import { codeOf } from './failure.ts';
import { Gate } from './gate.ts';
import * as ops from './ops.mjs';

const mill = await createMill({ threads: 2 });
afterAll(() => mill.close());

function word(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

test('20,000 tasks at once all end with their own result, and every slice comes back', async () => {
  const before = mill.stats();
  const inputs = Array.from({ length: 20_000 }, (_, i) => word(i));
  const results = await Promise.all(inputs.map((input) => mill.run(ops.head, input, { count: 4 })));
  const values = results.map((bytes) => new DataView(bytes.buffer).getUint32(0, true));
  expect(values).toEqual(inputs.map((_, i) => i));
  const { tasks, slices } = mill.stats();
  expect(tasks.submitted - before.tasks.submitted).toBe(20_000);
  expect(tasks.completed - before.tasks.completed).toBe(20_000);
  expect(tasks.run - before.tasks.run).toBe(20_000);
  expect(tasks.inFlight).toBe(0);
  expect(slices.leased - before.slices.leased).toBe(20_000);
  expect(slices.live).toBe(0);
});

test('20,000 tasks of every kind and outcome at once do not disturb each other', async () => {
  const kinds = [
    async (i: number) =>
      expect(await mill.run(ops.sum, new Uint8Array([i, 1]))).toBe((i % 256) + 1),
    async (i: number) => expect([...(await mill.run(ops.invert, word(i)))]).toEqual([...word(~i)]),
    async (i: number) => expect((await mill.run(ops.double, word(i)))[2]).toBe(word(i)[1]),
    async (i: number) => expect((await mill.run(ops.echo, word(i), { i })).params).toEqual({ i }),
    async (i: number) => expect(await mill.run(ops.later, word(i))).toBe(i % 256),
    async () => expect(await mill.run(ops.nothing, word(1))).toBeUndefined(),
    async () =>
      expect(await codeOf(mill.run(ops.fail, word(1), { how: 'error' }))).toBe('ERR_OP_FAILED'),
    async (i: number) => {
      using slice = mill.buffers.acquire(4);
      slice.bytes.set(word(i));
      await mill.run(ops.invertLater, slice);
      expect([...slice.bytes]).toEqual([...word(~i)]);
    },
  ];
  await Promise.all(Array.from({ length: 20_000 }, (_, i) => kinds[i % kinds.length]!(i)));
  expect(mill.stats()).toMatchObject({ tasks: { inFlight: 0 }, slices: { live: 0 }, deaths: 0 });
});

test('on one thread tasks begin and end in the order of the calls, however many wait', async () => {
  await using alone = await createMill({ threads: 1 });
  const order: number[] = [];
  await Promise.all(
    Array.from({ length: 10_000 }, async (_, i) => {
      await alone.run(ops.sum, word(i));
      order.push(i);
    }),
  );
  expect(order).toEqual(Array.from({ length: 10_000 }, (_, i) => i));
});

test('callers who each wait for one result after the other all get theirs', async () => {
  const callers = Array.from({ length: 50 }, async (_, caller) => {
    for (let i = 0; i < 100; i++) {
      expect(await mill.run(ops.sum, new Uint8Array([caller, i]))).toBe(caller + i);
    }
  });
  await Promise.all(callers);
});

test('params of tasks that run side by side never mix, flat or deep', async () => {
  const odd = [0, -0, '0', 0n, '', null, undefined, true, 'true', Number.NaN, 'NaN', 1e21, [0], {}];
  const flat = odd.map((value) => ({ value }));
  const deep = odd.map((value) => ({ value: { value } }));
  const renamed = [{ a: 1, b: 2 }, { b: 1, a: 2 }, { 'a:1,b': 2 }, { a: '1,"b":number:2' }, {}];
  const all: unknown[] = [...odd, ...flat, ...deep, ...renamed];
  for (let round = 0; round < 20; round++) {
    const results = await Promise.all(all.map((params) => mill.run(ops.echo, word(1), params)));
    results.forEach(({ params }, i) => expect(params).toStrictEqual(all[i]));
  }
});

test('params that are always new are forgotten in time', async () => {
  await using alone = await createMill({ threads: 1 });
  for (let i = 0; i < 3000; i++) {
    expect((await alone.run(ops.echo, word(i), { i })).params).toEqual({ i });
  }
  const again = await Promise.all(
    Array.from({ length: 3000 }, (_, i) => alone.run(ops.echo, word(i), { i })),
  );
  expect(again.map(({ params }) => params)).toEqual(again.map((_, i) => ({ i })));
});

test('an op that waits leaves its thread to others, and one that blocks leaves them the other thread', async () => {
  const waiting = new Gate();
  const blocking = new Gate();
  const waiters = Array.from({ length: 10 }, (_, i) =>
    mill.run(ops.holdAsync, new Uint8Array([i]), { gate: waiting.words }),
  );
  await waiting.reached(10);
  const blocked = mill.run(ops.hold, new Uint8Array([99]), { gate: blocking.words });
  await blocking.reached(1);
  for (let i = 0; i < 20; i++) expect(await mill.run(ops.sum, new Uint8Array([i]))).toBe(i);
  expect(mill.stats().tasks.inFlight).toBe(11);
  blocking.open();
  expect(await blocked).toBe(99);
  waiting.open();
  expect(await Promise.all(waiters)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test('after asynchronous ops a thread still wakes for whatever comes', async () => {
  await using alone = await createMill({ threads: 1 });
  for (let round = 0; round < 20; round++) {
    const gate = new Gate();
    const waiting = alone.run(ops.holdAsync, new Uint8Array([round]), { gate: gate.words });
    await gate.reached(1);
    gate.open();
    expect(await waiting).toBe(round);
    // Long enough for the thread to have parked.
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(await alone.run(ops.sum, new Uint8Array([round]))).toBe(round);
  }
});

test('a task goes to a thread that is idle, though all that worked lately are blocked by what they had begun', async () => {
  await using five = await createMill({ threads: 5 });
  for (let round = 0; round < 5; round++) {
    const [meet, doze, gate] = [new Gate(), new Gate(), new Gate()];
    const params = { meet: meet.words, doze: doze.words, gate: gate.words };
    const waiting = [1, 2, 3, 4].map((byte) =>
      five.run(ops.holdAgain, new Uint8Array([byte]), params),
    );
    await meet.reached(4);
    meet.open();
    doze.open();
    await gate.reached(4);
    expect(await five.run(ops.sum, new Uint8Array([round]))).toBe(round);
    gate.open();
    expect(await Promise.all(waiting)).toEqual([1, 2, 3, 4]);
  }
});

test('stats count what the workers have read and written', async () => {
  await using fresh = await createMill({ threads: 2 });
  await fresh.run(ops.double, new Uint8Array(1000));
  await fresh.run(ops.sum, new Uint8Array(10));
  await codeOf(fresh.run(ops.fail, new Uint8Array(1), { how: 'error' }));
  expect(fresh.stats()).toMatchObject({
    tasks: { submitted: 3, completed: 2, failed: 1, rerun: 0, inFlight: 0, run: 3 },
    bytes: { in: 1011, out: 2000 },
    deaths: 0,
    slices: { live: 0, swept: 0 },
    memory: { limit: 256 * 2 ** 20 },
  });
});
