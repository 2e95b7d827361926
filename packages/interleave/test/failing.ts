/** The failure of a case that must fail, and its replay. */
import { InterleavingError, explore, replay, type Case } from '@millrace/interleave';
import { expect } from 'vitest';

export function errorOf(action: () => unknown): InterleavingError {
  try {
    action();
  } catch (error) {
    if (error instanceof InterleavingError) return error;
    throw error;
  }
  throw new Error('Nothing was thrown');
}

/** Explores a case that must fail, and expects its seed to replay the very same failure. */
export function failureOf(of: Case): InterleavingError {
  const found = errorOf(() => explore(of));
  const again = errorOf(() => replay(of, found.seed));
  expect(again.code).toBe(found.code);
  expect(again.schedule).toEqual(found.schedule);
  expect(again.seed).toBe(found.seed);
  return found;
}

export function expectEqual(actual: unknown, expected: unknown): void {
  if (Object.is(actual, expected)) return;
  throw new Error(`expected ${String(expected)}, found ${String(actual)}`);
}
