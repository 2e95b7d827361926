/** Kernels: WebAssembly on slices where they lie, and on copies where that cannot be. */
import { createMill, Kernel, type Mill, type Slice } from '@millrace/workers';
import fc from 'fast-check';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { noise, MiB } from './content.ts';
import { codeOf, failureOf } from './failure.ts';
import { BYTES, compile, FLAGS, type Bytes } from './kernels.ts';
import * as ops from './kernel-ops.mjs';

const { Memory } = WebAssembly;
afterEach(() => {
  WebAssembly.Memory = Memory;
});

/** A mill of one thread, so that all that is told of a kernel is told of one thread's. */
async function millOf(memory: number): Promise<Mill> {
  const mill = await createMill({ threads: 1, memory });
  onTestFinished(() => mill.close());
  return mill;
}

function sliceOf(mill: Mill, bytes: Uint8Array): Slice {
  const slice = mill.buffers.acquire(bytes.length);
  slice.bytes.set(bytes);
  return slice;
}

function added(bytes: Uint8Array, amount: number): Uint8Array {
  return bytes.map((byte) => byte + amount);
}

/** The arena in which a slice lies, where no slices are guarded. */
const arenaOf = ({ ref }: Slice): number => Math.floor((ref >>> 10) / 16);

describe('a kernel in an op', () => {
  test('changes a slice where it lies, by its own address, and copies nothing', async () => {
    const mill = await millOf(64 * MiB);
    const kernel = compile(BYTES);
    const input = noise(100_003);
    using other = mill.buffers.acquire(4096);
    using slice = sliceOf(mill, input);
    other.bytes.fill(7);
    const params = { kernel, amount: 3 };
    expect(await mill.run(ops.add, slice, params)).toBe(slice);
    expect(Buffer.from(slice.bytes).equals(added(input, 3))).toBe(true);
    const { leased } = mill.stats().slices;
    await mill.run(ops.add, slice, params);
    expect(mill.stats().slices.leased).toBe(leased);
    expect(Buffer.from(slice.bytes).equals(added(input, 6))).toBe(true);
    expect(await mill.run(ops.where, slice, { kernel })).toBe(slice.bytes.byteOffset);
    expect(await mill.run(ops.stats, undefined, { kernel })).toEqual({
      calls: 3,
      copiedCalls: 0,
      copiedBytes: 0,
      instances: 1,
    });
    expect(other.bytes.every((byte) => byte === 7)).toBe(true);
  });

  test('reads its input and writes its output in one arena', async () => {
    const mill = await millOf(256 * MiB);
    const kernel = compile(BYTES);
    // The input lies in arena 1, and no slab there has a free slot for the output: arena 0 comes first.
    const whole = mill.buffers.acquire(64 * MiB);
    const input = sliceOf(mill, noise(1_000_000));
    const slices = [input, ...[1, 2, 3].map(() => mill.buffers.acquire(1_000_000))];
    expect(slices.map(arenaOf)).toEqual([1, 1, 1, 1]);
    whole.release();
    const output = await mill.run(ops.reverse, input, { kernel });
    expect(Buffer.from(output).equals(noise(1_000_000).toReversed())).toBe(true);
    expect(await mill.run(ops.stats, undefined, { kernel })).toMatchObject({ copiedBytes: 0 });
    for (const slice of slices) slice.release();
  });

  test('has one instance for each arena that its thread meets', async () => {
    const mill = await millOf(256 * MiB);
    const kernel = compile(BYTES);
    // As large as an arena, each.
    const slices = [1, 2, 3].map((value) => sliceOf(mill, new Uint8Array(64 * MiB).fill(value)));
    expect(slices.map(arenaOf)).toEqual([0, 1, 2]);
    for (let round = 0; round < 2; round++) {
      for (const slice of slices) await mill.run(ops.add, slice, { kernel, amount: 1 });
    }
    expect(slices.map(({ bytes }) => [bytes[0], bytes.at(-1)])).toEqual([
      [3, 3],
      [4, 4],
      [5, 5],
    ]);
    expect(await mill.run(ops.stats, undefined, { kernel })).toMatchObject({
      calls: 6,
      copiedBytes: 0,
      instances: 3,
    });
    for (const slice of slices) slice.release();
  });

  test('reaches memory that has grown since it was loaded', async () => {
    const mill = await millOf(256 * MiB);
    const kernel = compile(BYTES);
    const slices: Slice[] = [];
    for (let i = 0; i < 40; i++) {
      const slice = sliceOf(mill, new Uint8Array(4 * MiB));
      slices.push(slice);
      await mill.run(ops.add, slice, { kernel, amount: i + 1 });
      expect([slice.bytes[0], slice.bytes.at(-1)]).toEqual([i + 1, i + 1]);
    }
    expect(await mill.run(ops.stats, undefined, { kernel })).toMatchObject({ copiedBytes: 0 });
    for (const slice of slices) slice.release();
  });

  test('works on an arena that was dropped and renewed', async () => {
    const mill = await millOf(64 * MiB);
    const kernel = compile(BYTES);
    for (let round = 0; round < 3; round++) {
      const slice = sliceOf(mill, noise(1000));
      await mill.run(ops.add, slice, { kernel, amount: 1 });
      expect(Buffer.from(slice.bytes).equals(added(noise(1000), 1))).toBe(true);
      slice.release();
      expect(mill.buffers.trim().arenas).toBe(1);
    }
    expect(await mill.run(ops.stats, undefined, { kernel })).toMatchObject({
      copiedBytes: 0,
      instances: 3,
    });
  });

  test('that goes astray fails its own task alone', async () => {
    const mill = await millOf(64 * MiB);
    const kernel = compile(BYTES);
    const failure = await failureOf(mill.run(ops.stray, new Uint8Array(16), { kernel }));
    expect(failure.code).toBe('ERR_OP_FAILED');
    expect(failure.message).toMatch(/out of bounds/);
    expect([...(await mill.run(ops.add, new Uint8Array(3), { kernel, amount: 2 }))]).toEqual([
      2, 2, 2,
    ]);
    expect(mill.stats().deaths).toBe(0);
  });

  test('works on copies where the memory is plain, and says so', async () => {
    WebAssembly.Memory = function () {
      throw new RangeError('no address space is left');
    } as unknown as typeof WebAssembly.Memory;
    const mill = await millOf(64 * MiB);
    WebAssembly.Memory = Memory;
    expect(mill.stats().memory.arena.kind).toBe('plain');
    const kernel = compile(BYTES);
    const input = noise(200_000);
    using slice = sliceOf(mill, input);
    await mill.run(ops.add, slice, { kernel, amount: 9 });
    expect(Buffer.from(slice.bytes).equals(added(input, 9))).toBe(true);
    const output = await mill.run(ops.reverse, input, { kernel });
    expect(Buffer.from(output).equals(input.toReversed())).toBe(true);
    expect(await mill.run(ops.stats, undefined, { kernel })).toEqual({
      calls: 2,
      copiedCalls: 2,
      copiedBytes: 600_000,
      instances: 1,
    });
  });
});

describe('a kernel', () => {
  test('does to copies what it does to slices, however its views lie', async () => {
    const mill = await millOf(64 * MiB);
    const kernel = new Kernel<Bytes>(compile(BYTES));
    using slice = mill.buffers.acquire(4096);
    const place = fc.record({ from: fc.nat(500), to: fc.nat(500), bytes: fc.nat(300) });
    const input = noise(1000);
    fc.assert(
      fc.property(place, ({ from, to, bytes }) => {
        const reverse = (on: Uint8Array): void => {
          const views = [on.subarray(from, from + bytes), on.subarray(to, to + bytes)];
          kernel.on(views, (wasm, first, second) => wasm.reverse(first, second, bytes));
        };
        const copied = Buffer.from(input);
        slice.bytes.set(input);
        reverse(slice.bytes);
        reverse(copied);
        expect(copied.equals(slice.bytes.subarray(0, 1000))).toBe(true);
      }),
    );
    expect(kernel.stats().instances).toBe(2);
  });

  test('takes views onto several arenas, which it copies', async () => {
    const mill = await millOf(128 * MiB);
    const kernel = new Kernel<Bytes>(compile(BYTES));
    using whole = mill.buffers.acquire(64 * MiB);
    using small = sliceOf(mill, noise(5000));
    expect([arenaOf(whole), arenaOf(small)]).toEqual([0, 1]);
    const part = whole.bytes.subarray(MiB, MiB + 5000);
    const views = [small.bytes, part];
    kernel.on(views, (wasm, from, to) => wasm.reverse(from, to, 5000));
    expect(Buffer.from(part).equals(noise(5000).toReversed())).toBe(true);
    expect(kernel.stats()).toMatchObject({ calls: 1, copiedCalls: 1, copiedBytes: 10_000 });
  });

  test('keeps alignment, takes numbers, and takes views of no bytes', () => {
    const kernel = new Kernel<Bytes>(compile(BYTES));
    const bytes = new Uint8Array(64);
    const numbers = new Int32Array(4);
    const nothing = new Uint8Array(0);
    kernel.on([bytes.subarray(0, 3), nothing, numbers.subarray(1)], (wasm, _bytes, _none, at) => {
      wasm.storeAtomic(at, -5);
    });
    expect([...numbers]).toEqual([0, -5, 0, 0]);
    expect(kernel.on([], () => 'done')).toBe('done');
  });

  test('may be called within its own call', () => {
    const kernel = new Kernel<Bytes>(compile(BYTES));
    const outer = new Uint8Array(100_000).fill(1);
    const inner = new Uint8Array(200_000).fill(5);
    kernel.on([outer], (wasm, at) => {
      wasm.add(at, 50_000, 1);
      kernel.on([inner], (again, place) => again.add(place, inner.length, 1));
      wasm.add(at + 50_000, 50_000, 2);
    });
    expect([outer[0], outer[49_999], outer[50_000], outer[99_999]]).toEqual([2, 2, 3, 3]);
    expect(inner.every((byte) => byte === 6)).toBe(true);
  });

  test('gives back what was written before it throws, as on slices', () => {
    const kernel = new Kernel<Bytes>(compile(BYTES));
    const bytes = new Uint8Array(10);
    const fail = (): void =>
      kernel.on([bytes], (wasm, at) => {
        wasm.add(at, 10, 1);
        throw new Error('enough');
      });
    expect(fail).toThrow('enough');
    expect(bytes.every((byte) => byte === 1)).toBe(true);
  });

  const without = (flag: string, ...more: string[]): string[] => [
    ...FLAGS.filter((each) => !each.startsWith(flag)),
    ...more,
  ];
  const DATA = `const table: StaticArray<i32> = [1, 2, 3]; export function at(i: i32): i32 { return table[i]; }`;
  const OUTSIDE = `@external("env", "now") declare function now(): f64; export function at(i: usize): f64 { return load<f64>(i) + now(); }`;
  const AT = `export function at(i: usize): i32 { return load<i32>(i); }`;

  test.each<[string, string, string[], RegExp]>([
    ['carries data', DATA, FLAGS, /static data/],
    [
      'imports more than memory',
      OUTSIDE,
      FLAGS,
      /nothing else: it imports env.(memory, env.now|now, env.memory)/,
    ],
    ['has a memory of its own', AT, without('--importMemory'), /it imports nothing/],
    ['imports memory that is not shared', AT, without('--sharedMemory'), /as shared/],
    ['may grow less than an arena', AT, without('--maximumMemory', '--maximumMemory=2'), /65536/],
  ])('that %s is refused', async (_what, source, flags, message) => {
    const kernel = new Kernel<{ at(at: number): number }>(compile(source, flags));
    const call = async (): Promise<number> => kernel.on([new Uint8Array(8)], (w, at) => w.at(at));
    const failure = await failureOf(call());
    expect(failure.code).toBe('ERR_KERNEL');
    expect(failure.message).toMatch(message);
  });

  test.each(['file:///no/such/file.wasm', import.meta.url])(
    'that cannot be loaded is refused: %s',
    async (url) => {
      const kernel = new Kernel(url);
      const call = async (): Promise<void> => kernel.on([new Uint8Array(8)], () => {});
      expect(await codeOf(call())).toBe('ERR_KERNEL');
    },
  );
});
