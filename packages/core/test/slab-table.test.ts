import { SIZE_CLASSES, type MemoryHandle } from '@millrace/core';
import {
  HEADER_SLABS,
  HEADER_VERSION,
  SLABS_PER_ARENA,
  SLAB_BYTES,
  SlabTable,
  slotRef,
  type SlotRef,
} from '@millrace/core/internal';
import { expect, test } from 'vitest';
import { createTable } from './memory.ts';
import { atEveryGap } from './steps.ts';
import { codeOf, thrownBy } from './thrown.ts';

const PAGE_BYTES = 4096;

test('each slab is claimed once, and then there is none', () => {
  const table = createTable(3);
  expect([table.claim(0), table.claim(7), table.claim(0)]).toEqual([0, 1, 2]);
  expect(table.claim(0)).toBeUndefined();
  expect(table.claim(5)).toBeUndefined();
});

test('a slab serves its class from the claim on, in every thread; an unused one serves none', () => {
  const table = createTable(3);
  const elsewhere = SlabTable.attach(table.handle);
  table.claim(6);
  elsewhere.claim(0);
  for (const each of [table, elsewhere]) {
    expect([0, 1, 2].map((slab) => each.classOf(slab))).toEqual([6, 0, undefined]);
  }
});

test('only claimed slabs take memory, and their bytes can be used at once', () => {
  const table = createTable(4);
  const elsewhere = SlabTable.attach(table.handle);
  expect(table.openBytes).toBe(0);
  for (const slabs of [1, 2, 3]) {
    table.claim(7);
    expect(table.openBytes).toBe(slabs * SLAB_BYTES);
    expect(elsewhere.openBytes).toBe(slabs * SLAB_BYTES);
    const last = elsewhere.viewOf(slotRef(slabs - 1, 0), SLAB_BYTES);
    last[SLAB_BYTES - 1] = slabs;
    expect(table.viewOf(slotRef(slabs - 1, 0), SLAB_BYTES)[SLAB_BYTES - 1]).toBe(slabs);
  }
});

test('two threads that claim at the same moment get two slabs', () => {
  const gaps = atEveryGap((interrupt) => {
    const table = createTable(2);
    const elsewhere = SlabTable.attach(table.handle);
    let mine: number | undefined;
    let theirs: number | undefined;
    interrupt(
      () => (mine = table.claim(1)),
      () => (theirs = elsewhere.claim(6)),
    );
    theirs ??= elsewhere.claim(6);
    expect(new Set([mine, theirs])).toEqual(new Set([0, 1]));
    expect(table.classOf(mine!)).toBe(1);
    expect(table.classOf(theirs!)).toBe(6);
  });
  expect(gaps).toBeGreaterThan(3);
});

test('whoever sees the class of a slab can use its bytes, also while it is being claimed', () => {
  let seen = 0;
  atEveryGap((interrupt) => {
    const table = createTable(1);
    const elsewhere = SlabTable.attach(table.handle);
    interrupt(
      () => table.claim(7),
      () => {
        if (elsewhere.classOf(0) === undefined) return;
        seen++;
        elsewhere.viewOf(slotRef(0, 0), SLAB_BYTES)[SLAB_BYTES - 1] = 1;
      },
    );
  });
  expect(seen).toBe(1);
});

test.each(SIZE_CLASSES.map((bytes, sizeClass) => ({ bytes, sizeClass })))(
  'the slots of $bytes bytes begin on pages, lie side by side and fill their slab',
  ({ bytes, sizeClass }) => {
    const table = createTable(2);
    table.claim(0);
    const slab = table.claim(sizeClass)!;
    for (let slot = 0; slot * bytes < SLAB_BYTES; slot++) {
      const view = table.viewOf(slotRef(slab, slot), bytes);
      expect(view.byteOffset % PAGE_BYTES).toBe(0);
      expect(view.byteOffset).toBe(slab * SLAB_BYTES + slot * bytes);
      expect(view.byteLength).toBe(bytes);
    }
  },
);

test('a slot keeps its view while the length stays the same', () => {
  const table = createTable(1);
  table.claim(0);
  const ref = slotRef(0, 3);
  const view = table.viewOf(ref, 100);
  expect(table.viewOf(ref, 100)).toBe(view);
  expect(table.viewOf(slotRef(0, 4), 100)).not.toBe(view);
  expect(table.viewOf(ref, 101).byteLength).toBe(101);
  expect(table.viewOf(ref, 100).byteOffset).toBe(view.byteOffset);
});

test('slabs past the first gibibyte lie in an arena of their own', () => {
  const table = createTable(SLABS_PER_ARENA + 2);
  expect(table.arenas.map((arena) => arena.maxBytes)).toEqual([
    SLABS_PER_ARENA * SLAB_BYTES,
    2 * SLAB_BYTES,
  ]);
  for (let slab = 0; slab < SLABS_PER_ARENA + 2; slab++) expect(table.claim(7)).toBe(slab);
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

/** A memory in use, whose every word is compared before and after. */
function expectRefusedUnharmed(spoil: (handle: MemoryHandle) => unknown): void {
  const table = createTable(2);
  table.claim(0);
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
  ['of the next version', (h) => withHeader(h, HEADER_VERSION, 2)],
  ['without our mark', (h) => withHeader(h, 0, 0)],
  ['with another mark', (h) => withHeader(h, 0, 0x7fffffff)],
  ['with more slabs than there are', (h) => withHeader(h, HEADER_SLABS, 3)],
  ['with no slabs', (h) => withHeader(h, HEADER_SLABS, 0)],
  ['with fewer than no slabs', (h) => withHeader(h, HEADER_SLABS, -1)],
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
    (h) => ({ ...h, arenas: [{ kind: 'plain', buffer: new SharedArrayBuffer(8) }] }),
  ],
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
  expect(thrownBy(() => SlabTable.attach(handle)).message).toMatch(/layout 77 .* layout 1$/);
});
