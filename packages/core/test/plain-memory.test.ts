/** What holds where shared WebAssembly memory cannot be had: the same, on a SharedArrayBuffer. */
import { BufferPools } from '@millrace/core';
import { Arena } from '@millrace/core/internal';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { expectSound } from './audit.ts';
import { OWNER, bytesIn, createTable, join, leaseEverything, register } from './memory.ts';
import { codeOf } from './thrown.ts';
import { runJob, sharedWords } from './threads.ts';

const MiB = 1024 * 1024;
const { Memory } = WebAssembly;

afterEach(() => {
  WebAssembly.Memory = Memory;
});

/** From here on to the end of the test. */
function withoutSharedWasmMemory(): void {
  WebAssembly.Memory = function () {
    throw new RangeError('no address space is left');
  } as unknown as typeof WebAssembly.Memory;
}

test('an arena falls back to a SharedArrayBuffer of full size and says why', () => {
  withoutSharedWasmMemory();
  const arena = Arena.create(8 * MiB);
  expect(arena.kind).toBe('plain');
  expect(arena.reason).toMatch(/8388608 bytes .*no address space is left/);
  expect(arena.memory).toBeUndefined();
  expect([arena.byteLength, arena.maxBytes]).toEqual([8 * MiB, 8 * MiB]);
  arena.ensure(8 * MiB);
  expect(codeOf(() => arena.ensure(8 * MiB + 1))).toBe('ERR_ARENA_UNAVAILABLE');
  expect(Arena.attach(arena.handle).reason).toBe(arena.reason);
});

test('memory that can be had in neither way is refused by the name of the setting', () => {
  withoutSharedWasmMemory();
  const create = (): unknown => Arena.create(2 ** 52);
  expect(codeOf(create)).toBe('ERR_ARENA_UNAVAILABLE');
  expect(create).toThrow(/"memory".*no address space is left/);
});

test('pools on plain memory lend all of it, to several threads, and tell what they stand on', async () => {
  withoutSharedWasmMemory();
  const table = createTable(8);
  const main = join(table);
  const { arena } = main.stats();
  expect(arena).toEqual({
    kind: 'plain',
    reason: expect.stringContaining('no address space') as string,
  });
  const threads = [register(table), register(table)];
  const users = sharedWords(8 * 1024);
  const tallies = await Promise.all(
    threads.map((thread) =>
      runJob('churn', {
        handle: main.handle,
        thread,
        users,
        seed: thread * 31,
        tries: 5000,
        most: 9,
      }),
    ),
  );
  for (const tally of tallies) expect(tally).toMatchObject({ faults: 0 });
  for (const thread of threads) expect(main.sweep(thread, OWNER)).toBe(0);
  expectSound(table, []);
  expect(bytesIn(leaseEverything(main))).toBe(32 * MiB);
});

test('one arena of several on plain memory is told, too', () => {
  let made = 0;
  WebAssembly.Memory = function (descriptor: WebAssembly.MemoryDescriptor) {
    if (++made > 1) throw new RangeError('one is enough');
    return new Memory(descriptor);
  } as unknown as typeof WebAssembly.Memory;
  const pools = BufferPools.create({ memory: 1024 * MiB + 4 * MiB }, 0);
  expect(pools.stats().arena).toEqual({
    kind: 'plain',
    reason: expect.stringContaining('enough') as string,
  });
});

test.runIf(process.platform === 'linux')(
  'a process with little address space works on plain memory',
  () => {
    const script = fileURLToPath(new URL('./little-address-space.mjs', import.meta.url));
    // From Node 24 on, shared WebAssembly memory does without guard pages where address space is short.
    const needsFallback = Number.parseInt(process.versions.node, 10) < 24;
    const plain = {
      kind: 'plain',
      reason: expect.stringContaining('could not allocate') as string,
    };
    const limited = 'ulimit -v 8000000 && exec "$0" "$1"';
    const { stdout, stderr } = spawnSync('sh', ['-c', limited, process.execPath, script], {
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual({
      arena: needsFallback ? plain : { kind: 'wasm' },
      lent: 64 * MiB,
      exhausted: 'ERR_POOL_EXHAUSTED',
      lentAgain: 64 * MiB,
      readElsewhere: 99,
    });
  },
);
