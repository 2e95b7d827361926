import { SIZE_CLASSES, type MillraceError, type ThreadId } from '@millrace/core';
import {
  CACHED,
  FREE,
  LIVE,
  SLAB_BYTES,
  SizedBufferPool,
  generationOf,
  holderOf,
  pack,
  stateOf,
  type SlotRef,
  type SlotState,
} from '@millrace/core/internal';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { expectSound, wordAt, wordOf } from './audit.ts';
import { createTable, wipe } from './memory.ts';
import { atEveryGap } from './steps.ts';
import { codeOf } from './thrown.ts';

const MiB_CLASS = 6;
const me = 1 as ThreadId;
const other = 2 as ThreadId;
const table = createTable(2);

function poolOf(sizeClass: number, thread = me): SizedBufferPool {
  return new SizedBufferPool(table, sizeClass, thread);
}

test('an acquired slot is LIVE and its thread holds it; a released one waits in the magazine', () => {
  wipe(table);
  const pool = poolOf(MiB_CLASS);
  const ref = pool.acquire()!;
  const lease = pool.leaseOf(ref);
  expect([stateOf(lease), holderOf(lease)]).toEqual([LIVE, me]);
  expect(pool.holds(ref, lease)).toBe(true);
  expect(pool.stats()).toEqual({ slotBytes: 2 ** 20, cached: 1, slotsPerSlab: 4 });

  expect(pool.release(ref, lease)).toBe(true);
  expect(pool.holds(ref, lease)).toBe(false);
  expect([stateOf(wordOf(table, ref)), holderOf(wordOf(table, ref))]).toEqual([CACHED, me]);
  expect(generationOf(wordOf(table, ref))).toBe(generationOf(lease) + 1);
  expect(pool.stats().cached).toBe(2);
});

test('the slot that was released last is leased first', () => {
  wipe(table);
  const pool = poolOf(0);
  const refs = [pool.acquire()!, pool.acquire()!, pool.acquire()!];
  for (const ref of refs) pool.release(ref, pool.leaseOf(ref));
  expect([pool.acquire(), pool.acquire(), pool.acquire()]).toEqual(refs.reverse());
});

test('a lease ends once; a second release finds it ended and harms nothing', () => {
  wipe(table);
  const pool = poolOf(MiB_CLASS);
  const ref = pool.acquire()!;
  const lease = pool.leaseOf(ref);
  pool.release(ref, lease);
  const after = table.words.slice();
  expect(pool.release(ref, lease)).toBe(false);
  expect(table.words.every((word, at) => word === after[at])).toBe(true);

  expect(pool.acquire()).toBe(ref);
  expect(pool.release(ref, lease)).toBe(false);
  expectSound(table, [ref]);
});

test('a pool has every slot of the memory and then none', () => {
  wipe(table);
  const pool = poolOf(MiB_CLASS);
  const refs = Array.from({ length: 8 }, () => pool.acquire()!);
  expect(new Set(refs).size).toBe(8);
  expect(pool.acquire()).toBeUndefined();
  expectSound(table, refs);
  pool.release(refs[3]!, pool.leaseOf(refs[3]!));
  expect(pool.acquire()).toBe(refs[3]);
});

test('what does not fit in the magazine can be had by other threads, and after a flush all of it', () => {
  wipe(table);
  const pool = poolOf(MiB_CLASS);
  const elsewhere = poolOf(MiB_CLASS, other);
  const refs = Array.from({ length: 8 }, () => pool.acquire()!);
  for (const ref of refs) pool.release(ref, pool.leaseOf(ref));
  expect(pool.stats().cached).toBe(2);
  expectSound(table, []);
  const theirs = Array.from({ length: 6 }, () => elsewhere.acquire());
  expect(theirs).not.toContain(undefined);
  expect(elsewhere.acquire()).toBeUndefined();
  pool.flush();
  expect(pool.stats().cached).toBe(0);
  expect(elsewhere.acquire()).toBeDefined();
  expect(elsewhere.acquire()).toBeDefined();
});

test.each<SlotState>([FREE, LIVE])(
  'a slot in the magazine whose word says state %i is not lent',
  (state) => {
    wipe(table);
    const pool = poolOf(MiB_CLASS);
    const ref = pool.acquire()!;
    pool.release(ref, pool.leaseOf(ref));
    table.words[wordAt(table, ref)] = pack(state, other, 9);
    expect(codeOf(() => pool.acquire())).toBe('ERR_BAD_HANDLE');
    expect(wordOf(table, ref)).toBe(pack(state, other, 9));
  },
);

test('a word that is damaged while its slot is being lent stays as it is', () => {
  const damage = pack(LIVE, other, 9);
  const gaps = atEveryGap((interrupt) => {
    wipe(table);
    const pool = poolOf(MiB_CLASS);
    const ref = pool.acquire()!;
    pool.release(ref, pool.leaseOf(ref));
    const at = wordAt(table, ref);
    let damaged = false;
    let code = '';
    interrupt(
      () => {
        try {
          pool.acquire();
        } catch (error) {
          code = (error as MillraceError).code;
        }
      },
      () => {
        damaged = stateOf(table.words[at]!) === CACHED;
        if (damaged) table.words[at] = damage;
      },
    );
    expect(code).toBe(damaged ? 'ERR_BAD_HANDLE' : '');
    expect(table.words[at] === damage).toBe(damaged);
  });
  expect(gaps).toBe(2);
});

test('the pools of three threads do what one plain set of slots does', () => {
  const threads = [1, 2, 3] as ThreadId[];
  const anyStep = fc.record({
    kind: fc.constantFrom('acquire', 'acquire', 'acquire', 'release', 'release', 'again', 'flush'),
    thread: fc.nat({ max: 2 }),
    n: fc.nat(),
  });
  const anyClass = fc.integer({ min: 3, max: 7 });
  fc.assert(
    fc.property(anyClass, fc.array(anyStep, { maxLength: 100 }), (sizeClass, steps) => {
      wipe(table);
      const pools = threads.map((thread) => poolOf(sizeClass, thread));
      const capacity = (table.layout.slabs * SLAB_BYTES) / SIZE_CLASSES[sizeClass]!;
      const held = new Map<SlotRef, { pool: SizedBufferPool; lease: number }>();
      const ended: [SizedBufferPool, SlotRef, number][] = [];
      for (const { kind, thread, n } of steps) {
        const pool = pools[thread]!;
        const [ref, holding] = [...held][n % Math.max(1, held.size)] ?? [];
        if (kind === 'acquire') {
          const idle = pools.reduce((sum, each) => sum + each.stats().cached, 0);
          const mayFail = pool.stats().cached === 0 && held.size + idle === capacity;
          const got = pool.acquire();
          expect(got === undefined, 'it fails when all is lent or in the stock of others').toBe(
            mayFail,
          );
          if (got === undefined) continue;
          expect(held.has(got), `slot ${got} was lent twice`).toBe(false);
          held.set(got, { pool, lease: pool.leaseOf(got) });
        } else if (kind === 'release' && ref !== undefined) {
          expect(holding!.pool.release(ref, holding!.lease)).toBe(true);
          held.delete(ref);
          ended.push([holding!.pool, ref, holding!.lease]);
        } else if (kind === 'again' && ended.length > 0) {
          const [by, at, lease] = ended[n % ended.length]!;
          expect(by.release(at, lease)).toBe(false);
          expect(by.holds(at, lease)).toBe(false);
        } else if (kind === 'flush') {
          pool.flush();
        }
      }
      expectSound(table, held.keys());
    }),
    { numRuns: 1000 },
  );
});
