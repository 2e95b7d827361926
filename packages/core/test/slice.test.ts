import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BufferPools, MillraceError } from '@millrace/core';

const MiB = 1024 * 1024;

describe('a slice', () => {
  let pools: BufferPools;

  beforeEach(() => {
    pools = BufferPools.create({ memory: 4 * MiB }, 0);
  });

  afterEach(() => {
    expect(pools.stats().slices.live).toBe(0);
  });

  const codeOf = (deed: () => unknown): string | undefined => {
    try {
      deed();
    } catch (error) {
      if (error instanceof MillraceError) return error.code;
      throw error;
    }
    return undefined;
  };

  test('shows its bytes, as many as were asked for, page-aligned and always the same view', () => {
    const slice = pools.acquire(5000);
    expect(slice.bytes.byteLength).toBe(5000);
    expect(slice.bytes.byteOffset % 4096).toBe(0);
    expect(slice.bytes).toBe(slice.bytes);
    slice.release();
  });

  test('that was released does not show the bytes of the next lease', () => {
    const first = pools.acquire(100);
    first.bytes.fill(1);
    first.release();
    const second = pools.acquire(100);
    expect(second.ref).toBe(first.ref);
    expect(codeOf(() => first.bytes)).toBe('ERR_SLICE_STALE');
    expect(first.live).toBe(false);
    expect(second.live).toBe(true);
    second.release();
  });

  test('cannot be released twice, even when its slot has come round to the same lease word', () => {
    const first = pools.acquire(100);
    const { ref, lease } = first;
    first.release();
    // 22 bits of generation come round after 2^22 leases of one slot.
    let again = pools.acquire(100);
    for (let i = 1; i < 2 ** 22 && again.lease !== lease; i++) {
      again.release();
      again = pools.acquire(100);
    }
    expect([again.ref, again.lease]).toEqual([ref, lease]);
    expect(codeOf(() => first.release())).toBe('ERR_SLICE_STALE');
    expect(again.live).toBe(true);
    again.release();
  });

  test('is released at the end of its block, and may have been released before', () => {
    {
      using slice = pools.acquire(100);
      expect(slice.live).toBe(true);
    }
    expect(pools.stats().slices.live).toBe(0);
    {
      using slice = pools.acquire(100);
      slice.release();
    }
  });
});
