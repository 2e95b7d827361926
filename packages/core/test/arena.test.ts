import { Arena } from '@millrace/core/internal';
import { expect, test } from 'vitest';
import { codeOf } from './thrown.ts';
import { changed, runJob, sharedWords } from './threads.ts';

const KiB = 1024;
const MiB = 1024 * KiB;
const WASM_PAGE_BYTES = 64 * KiB;

test('a new arena holds nothing yet and takes no memory', () => {
  const arena = Arena.create(1024 * MiB);
  expect(arena.kind).toBe('wasm');
  expect(arena.reason).toBeUndefined();
  expect(arena.byteLength).toBe(0);
  expect(arena.maxBytes).toBe(1024 * MiB);
});

test('an arena grows in place: old views stay valid and see what new ones write', () => {
  const arena = Arena.create(16 * MiB);
  arena.ensure(64 * KiB);
  const old = arena.view(100, 8);
  old.fill(7);
  arena.ensure(16 * MiB);
  expect([...old]).toEqual(Array.from({ length: 8 }, () => 7));
  arena.view(100, 8).fill(9);
  expect([...old]).toEqual(Array.from({ length: 8 }, () => 9));
  old[0] = 1;
  expect(arena.view(100, 1)[0]).toBe(1);
});

test('an arena grows to what is asked for, in whole pages, and never shrinks', () => {
  const arena = Arena.create(4 * MiB);
  for (const [asked, has] of [
    [0, 0],
    [1, WASM_PAGE_BYTES],
    [WASM_PAGE_BYTES, WASM_PAGE_BYTES],
    [WASM_PAGE_BYTES + 1, 2 * WASM_PAGE_BYTES],
    [1, 2 * WASM_PAGE_BYTES],
    [4 * MiB, 4 * MiB],
  ] as const) {
    arena.ensure(asked);
    expect(arena.byteLength).toBe(has);
  }
});

test('an arena refuses to grow past its maximum and stays as it was', () => {
  const arena = Arena.create(MiB);
  arena.ensure(64 * KiB);
  expect(codeOf(() => arena.ensure(MiB + 1))).toBe('ERR_ARENA_UNAVAILABLE');
  expect(arena.byteLength).toBe(64 * KiB);
  arena.ensure(MiB);
  expect(arena.byteLength).toBe(MiB);
});

test('an arena that no system can provide is refused', () => {
  expect(codeOf(() => Arena.create(2 ** 52))).toBe('ERR_ARENA_UNAVAILABLE');
});

test('fresh memory is zero', () => {
  const arena = Arena.create(MiB);
  arena.ensure(MiB);
  expect(arena.view(0, MiB).every((byte) => byte === 0)).toBe(true);
});

test('another thread sees growth and bytes without a message, and can grow the arena itself', async () => {
  const arena = Arena.create(8 * MiB);
  const signals = sharedWords(3);
  const job = runJob('growArena', { arena: arena.handle, signals });
  await Promise.race([changed(signals, 0, 0), job]);

  arena.ensure(2 * MiB);
  arena.view(2 * MiB - 1, 1)[0] = 41;
  Atomics.store(signals, 1, 1);
  Atomics.notify(signals, 1);
  await Promise.race([changed(signals, 2, 0), job]);

  expect(arena.byteLength).toBe(4 * MiB);
  expect(arena.view(4 * MiB - 1, 1)[0]).toBe(42);
  expect(await job).toEqual({ atFirst: 0, grownByOther: 2 * MiB, read: 41 });
});

/** A memory that another thread grows by `pages` just before our own first step takes effect. */
function contestedMemory(maximum: number, pages: number): WebAssembly.Memory {
  const memory = new WebAssembly.Memory({ initial: 0, maximum, shared: true });
  let contested = false;
  return {
    get buffer() {
      return memory.buffer;
    },
    grow(delta) {
      if (delta > 0 && !contested) {
        contested = true;
        memory.grow(pages);
      }
      return memory.grow(delta);
    },
  };
}

test('growth succeeds although another thread grew the arena meanwhile, by less than is needed', () => {
  const memory = contestedMemory(16, 4);
  const arena = Arena.attach({ kind: 'wasm', memory, maxBytes: MiB });
  arena.ensure(MiB);
  expect(arena.byteLength).toBe(MiB);
});

test('growth succeeds although another thread grew the arena to its maximum meanwhile', () => {
  const memory = contestedMemory(16, 16);
  const arena = Arena.attach({ kind: 'wasm', memory, maxBytes: MiB });
  arena.ensure(MiB / 2);
  expect(arena.byteLength).toBe(MiB);
});

test('what another thread grew is reached although the engine has not told this one yet', () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 16, shared: true });
  // V8 tells of growth by an interrupt: until then `buffer` is the old one, unless this thread grows too.
  let told = memory.buffer;
  const untold: WebAssembly.Memory = {
    get buffer() {
      return told;
    },
    grow(delta) {
      const pages = memory.grow(delta);
      told = memory.buffer;
      return pages;
    },
  };
  const arena = Arena.attach({ kind: 'wasm', memory: untold, maxBytes: MiB });
  memory.grow(7);
  expect(told.byteLength).toBe(65_536);
  expect(arena.view(MiB / 2 - 10, 10).byteLength).toBe(10);
  expect(arena.byteLength).toBe(MiB / 2);
});

test('growth that the system refuses is told, with its cause', () => {
  const memory = new WebAssembly.Memory({ initial: 0, maximum: 1, shared: true });
  const arena = Arena.attach({ kind: 'wasm', memory, maxBytes: MiB });
  expect(codeOf(() => arena.ensure(MiB))).toBe('ERR_ARENA_UNAVAILABLE');
  expect(() => arena.ensure(MiB)).toThrow(
    expect.objectContaining({ cause: expect.any(RangeError) as unknown }),
  );
});

const unshared = new WebAssembly.Memory({ initial: 1 });

test.each<[what: string, handle: unknown]>([
  ['null', null],
  ['undefined', undefined],
  ['a number', 0],
  ['a string', 'wasm'],
  ['an empty object', {}],
  ['a bare SharedArrayBuffer', new SharedArrayBuffer(8)],
  ['an unknown kind', { kind: 'other', buffer: new SharedArrayBuffer(8) }],
  ['wasm without a memory', { kind: 'wasm' }],
  ['wasm with null', { kind: 'wasm', memory: null, maxBytes: MiB }],
  ['wasm with an empty object', { kind: 'wasm', memory: {}, maxBytes: MiB }],
  ['wasm with unshared memory', { kind: 'wasm', memory: unshared, maxBytes: MiB }],
  ['wasm with a buffer', { kind: 'wasm', buffer: new SharedArrayBuffer(8) }],
  ['plain without a buffer', { kind: 'plain' }],
  ['plain with an ArrayBuffer', { kind: 'plain', buffer: new ArrayBuffer(8) }],
  ['plain with a view', { kind: 'plain', buffer: new Uint8Array(new SharedArrayBuffer(8)) }],
])('attach refuses %s', (_, handle) => {
  expect(codeOf(() => Arena.attach(handle as never))).toBe('ERR_BAD_HANDLE');
});
