import { SIZE_CLASSES, type MemoryHandle, type ThreadId } from '@millrace/core';
import {
  HEADER_SLABS,
  HEADER_VERSION,
  SLAB_BYTES,
  SlabTable,
  slotRef,
  type SlotRef,
} from '@millrace/core/internal';
import { expect, test } from 'vitest';
import { HEADER_COUNTERS, HEADER_GUARD, HEADER_SLABS_PER_ARENA } from '../dist/memory/layout.js';
import { createTable, roomOf } from './memory.ts';
import { codeOf, thrownBy } from './thrown.ts';

const PAGE_BYTES = 4096;
const SLABS_PER_ARENA = 16;
const me = 1 as ThreadId;

/** Opens slabs for these pools, one after the other. */
function open(table: SlabTable, ...pools: number[]): void {
  const { life } = roomOf(table, me);
  for (const pool of pools) expect(life.open(pool)).toBeDefined();
}

test('a slab serves its class in every thread; an unused one serves none', () => {
  const table = createTable(3);
  const elsewhere = SlabTable.attach(table.handle);
  open(table, 6);
  open(elsewhere, 0);
  for (const each of [table, elsewhere]) {
    expect([0, 1, 2].map((slab) => each.classOf(slab))).toEqual([6, 0, undefined]);
  }
});

test('only slabs in use take memory, and their bytes can be used at once', () => {
  const table = createTable(4);
  const elsewhere = SlabTable.attach(table.handle);
  expect(table.arenas.openBytes).toBe(0);
  for (const slabs of [1, 2, 3]) {
    open(table, 7);
    expect(table.arenas.openBytes).toBe(slabs * SLAB_BYTES);
    expect(elsewhere.arenas.openBytes).toBe(slabs * SLAB_BYTES);
    const last = elsewhere.viewOf(slotRef(slabs - 1, 0), SLAB_BYTES);
    last[SLAB_BYTES - 1] = slabs;
    expect(table.viewOf(slotRef(slabs - 1, 0), SLAB_BYTES)[SLAB_BYTES - 1]).toBe(slabs);
  }
});

test.each(SIZE_CLASSES.map((bytes, sizeClass) => ({ bytes, sizeClass })))(
  'the slots of $bytes bytes begin on pages, lie side by side and fill their slab',
  ({ bytes, sizeClass }) => {
    const table = createTable(2);
    open(table, 0, sizeClass);
    for (let slot = 0; slot * bytes < SLAB_BYTES; slot++) {
      const view = table.viewOf(slotRef(1, slot), bytes);
      expect(view.byteOffset % PAGE_BYTES).toBe(0);
      expect(view.byteOffset).toBe(SLAB_BYTES + slot * bytes);
      expect(view.byteLength).toBe(bytes);
    }
  },
);

test.each(SIZE_CLASSES.map((bytes, sizeClass) => ({ bytes, sizeClass })))(
  'the guarded slots of $bytes bytes begin on pages, keep a page between them and stay in their slab',
  ({ bytes, sizeClass }) => {
    const table = createTable(3, { safety: 'full' });
    open(table, 0, sizeClass, 0);
    const { slots, slabStride } = table.geometry;
    expect(slots[sizeClass]).toBeGreaterThan(0);
    let end = slabStride;
    for (let slot = 0; slot < slots[sizeClass]!; slot++) {
      const { byteOffset } = table.viewOf(slotRef(1, slot), bytes);
      expect(byteOffset % PAGE_BYTES).toBe(0);
      expect(byteOffset).toBe(end + PAGE_BYTES);
      end = byteOffset + bytes;
    }
    expect(table.viewOf(slotRef(2, 0), 1).byteOffset).toBeGreaterThanOrEqual(end + PAGE_BYTES);
  },
);

test('a slot keeps its view while the length stays the same', () => {
  const table = createTable(1);
  open(table, 0);
  const ref = slotRef(0, 3);
  const view = table.viewOf(ref, 100);
  expect(table.viewOf(ref, 100)).toBe(view);
  expect(table.viewOf(slotRef(0, 4), 100)).not.toBe(view);
  expect(table.viewOf(ref, 101).byteLength).toBe(101);
  expect(table.viewOf(ref, 100).byteOffset).toBe(view.byteOffset);
});

test('the view of a slot is another one when its slab serves another class', () => {
  const table = createTable(1);
  const { life } = roomOf(table, me);
  open(table, 6);
  expect(table.viewOf(slotRef(0, 1), 100).byteOffset).toBe(2 ** 20);
  life.retire(0);
  open(table, 0);
  expect(table.viewOf(slotRef(0, 1), 100).byteOffset).toBe(4096);
});

test('a memory of more slabs than an arena holds has several, and each slab lies in one', () => {
  const table = createTable(SLABS_PER_ARENA + 2);
  expect(table.arenas.all.map((arena) => arena.maxBytes)).toEqual([
    SLABS_PER_ARENA * SLAB_BYTES,
    2 * SLAB_BYTES,
  ]);
  open(table, ...Array.from({ length: SLABS_PER_ARENA + 2 }, () => 7));
  const elsewhere = SlabTable.attach(table.handle);
  const write = (slab: number, mark: number): void => {
    table.viewOf(slotRef(slab, 0), SLAB_BYTES)[SLAB_BYTES - 1] = mark;
  };
  const read = (slab: number): number =>
    elsewhere.viewOf(slotRef(slab, 0), SLAB_BYTES)[SLAB_BYTES - 1]!;
  const marked = [0, 1, SLABS_PER_ARENA - 1, SLABS_PER_ARENA, SLABS_PER_ARENA + 1];
  for (const slab of marked) write(slab, (slab & 0xff) ^ 0x55);
  for (const slab of marked) expect(read(slab)).toBe((slab & 0xff) ^ 0x55);
});

test.each([
  [1, 64, 1],
  [17, 64, 2],
  [1024, 64, 64],
  [4096, 256, 64],
  [32_768, 1024, 128],
])('%i slabs lie in arenas of %i MiB, %i of them', (slabs, arenaMiB, arenas) => {
  const { layout } = SlabTable.create({ slabs, counters: 0 });
  expect([(layout.slabsPerArena * SLAB_BYTES) / 2 ** 20, layout.arenas]).toEqual([
    arenaMiB,
    arenas,
  ]);
});

/** A memory in use, whose every word is compared before and after. */
function expectRefusedUnharmed(spoil: (handle: MemoryHandle) => unknown): void {
  const table = createTable(2);
  open(table, 0);
  const ref = 5 as SlotRef;
  table.viewOf(ref, 4).set([1, 2, 3, 4]);
  const handle = spoil(table.handle);
  const before = table.words.slice();
  expect(codeOf(() => SlabTable.attach(handle as MemoryHandle))).toBe('ERR_BAD_HANDLE');
  expect(Buffer.compare(Buffer.from(before.buffer), Buffer.from(table.words.buffer))).toBe(0);
  expect([...table.viewOf(ref, 4)]).toEqual([1, 2, 3, 4]);
}

function withHeader(handle: MemoryHandle, word: number, value: number): MemoryHandle {
  new Int32Array(handle.control)[word] = value;
  return handle;
}

function withControlOf(handle: MemoryHandle, bytes: number): MemoryHandle {
  const control = new SharedArrayBuffer(bytes);
  const kept = Math.min(bytes, handle.control.byteLength);
  new Uint8Array(control).set(new Uint8Array(handle.control, 0, kept));
  return { ...handle, control };
}

test.each<[what: string, spoil: (handle: MemoryHandle) => unknown]>([
  ['of the version before', (h) => withHeader(h, HEADER_VERSION, 0)],
  ['of version 1', (h) => withHeader(h, HEADER_VERSION, 1)],
  ['of the next version', (h) => withHeader(h, HEADER_VERSION, 3)],
  ['without our mark', (h) => withHeader(h, 0, 0)],
  ['with another mark', (h) => withHeader(h, 0, 0x7fffffff)],
  ['with more slabs than there are', (h) => withHeader(h, HEADER_SLABS, 3)],
  ['with no slabs', (h) => withHeader(h, HEADER_SLABS, 0)],
  ['with fewer than no slabs', (h) => withHeader(h, HEADER_SLABS, -1)],
  ['with more slabs than there can be', (h) => withHeader(h, HEADER_SLABS, 0x7fffffff)],
  ['with fewer counters than none', (h) => withHeader(h, HEADER_COUNTERS, -64)],
  ['with arenas of another size', (h) => withHeader(h, HEADER_SLABS_PER_ARENA, 1)],
  ['with guards that its arenas have no room for', (h) => withHeader(h, HEADER_GUARD, 4096)],
  ['with guards that are no page', (h) => withHeader(h, HEADER_GUARD, 1)],
  ['cut short by a byte', (h) => withControlOf(h, h.control.byteLength - 1)],
  ['cut short to its header', (h) => withControlOf(h, 16)],
  ['cut short within its header', (h) => withControlOf(h, 12)],
  ['without bytes', (h) => withControlOf(h, 0)],
  ['with bytes after its end', (h) => withControlOf(h, h.control.byteLength + 4)],
  ['in memory that is not shared', (h) => ({ ...h, control: new ArrayBuffer(64) })],
  ['without its arenas', (h) => ({ control: h.control })],
  ['with no arena', (h) => ({ ...h, arenas: [] })],
  ['with an arena too many', (h) => ({ ...h, arenas: [...h.arenas, ...h.arenas] })],
  ['with null for an arena', (h) => ({ ...h, arenas: [null] })],
  ['with a number for its arenas', (h) => ({ ...h, arenas: 1 })],
  ['with the arena of a smaller memory', (h) => ({ ...h, arenas: createTable(1).handle.arenas })],
  [
    'with a plain arena that is too small',
    (h) => ({
      ...h,
      arenas: [{ index: 0, epoch: 0, arena: { kind: 'plain', buffer: new SharedArrayBuffer(8) } }],
    }),
  ],
  ['with an arena of nothing', (h) => ({ ...h, arenas: [{ index: 0, epoch: 0 }] })],
  ['with an arena of no epoch', (h) => ({ ...h, arenas: [{ ...h.arenas[0], epoch: undefined }] })],
  ['that is null', () => null],
  ['that is undefined', () => undefined],
  ['that is a string', () => 'memory'],
  ['that is an empty object', () => ({})],
])('attach refuses a memory %s and leaves it as it is', (_, spoil) => {
  expectRefusedUnharmed(spoil);
});

test('the refusal of another version names both', () => {
  const { handle } = createTable(1);
  new Int32Array(handle.control)[HEADER_VERSION] = 77;
  expect(thrownBy(() => SlabTable.attach(handle)).message).toMatch(/layout 77 .* layout 2$/);
});
