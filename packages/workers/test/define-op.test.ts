/** What is wrong with an op is told when it is defined, with its name, its module and the value. */
import { defineOp, MillraceError, type OpKind } from '@millrace/workers';
import { expect, test } from 'vitest';

const url = import.meta.url;
const run = (): number => 1;
const outputBound = (bytes: number): number => bytes;
const split = { size: 1 };
const merge = (left: number): number => left;
const frame = { start: run, head: run, join: run, tail: run };
/** As JavaScript calls it, where no compiler objects. */
const define = defineOp as (url: unknown, name: unknown, definition: unknown) => { kind: OpKind };

test.each([
  ['in-place', { inPlace: true, run }],
  ['in-place', { inPlace: true, run, split, merge: 'concatenate' }],
  ['transform', { outputBound, run }],
  ['transform', { outputBound, run, split, merge: 'concatenate' }],
  ['transform', { outputBound, run, split, merge: frame }],
  ['generator', { generates: true, *run() {} }],
  ['generator', { generates: true, async *run() {} }],
  ['value', { run }],
  ['value', { run, split, merge }],
  ['value', { run, setup: run, teardown: run, params: run }],
] as const)('the kind of an op is %s for %o', (kind, definition) => {
  expect(define(url, 'grind', definition).kind).toBe(kind);
});

test.each([
  ['no definition', undefined, 'undefined'],
  ['no run', {}, '"run"'],
  ['a run that cannot be called', { run: 7 }, '7'],
  ['two kinds', { inPlace: true, outputBound, run }, '"inPlace" and "outputBound"'],
  ['two kinds more', { outputBound, generates: true, run }, '"outputBound" and "generates"'],
  ['a kind that is not so', { inPlace: false, run }, 'false'],
  ['a bound that cannot be called', { outputBound: 10, run }, '10'],
  ['a generator that is not called one', { *run() {} }, '"generates: true"'],
  ['an async generator that is not called one', { async *run() {} }, '"generates: true"'],
  ['chunks of no bytes', { run, split: { size: 0 }, merge }, '0'],
  ['chunks of half a byte', { run, split: { size: 0.5 }, merge }, '0.5'],
  ['chunks of a size in words', { run, split: { size: '64k' }, merge }, '"64k"'],
  ['chunks of no size', { run, split: {}, merge }, 'undefined'],
  ['a split that is a size', { run, split: 64, merge }, '64'],
  ['an overlap before the start', { run, split: { size: 1, overlap: -1 }, merge }, '-1'],
  ['an overlap in place', { inPlace: true, run, split: { size: 8, overlap: 4 } }, '4'],
  ['chunks of a generator', { generates: true, run, split }, '"split"'],
  ['values without a merge', { run, split }, '"merge"'],
  ['values that are to be concatenated', { run, split, merge: 'concatenate' }, '"concatenate"'],
  ['a merge without chunks', { run, merge }, '"merge"'],
  ['half a frame', { outputBound, run, split, merge: { start: run } }, 'start, head, join, tail'],
  ['outputs that are to be reduced', { outputBound, run, split, merge }, 'Function'],
  ['changes in place that are to be framed', { inPlace: true, run, split, merge: frame }, 'Object'],
  ['a setup that cannot be called', { run, setup: {} }, '"setup"'],
  ['a teardown that cannot be called', { run, teardown: 'later' }, '"later"'],
  ['a check that cannot be called', { run, params: {} }, '"params"'],
])('an op with %s is refused', (_what, definition, named) => {
  const error = failureOf(() => define(url, 'grind', definition));
  expect(error.code).toBe('ERR_INVALID_ARG');
  for (const words of ['"grind"', url, named]) expect(error.message).toContain(words);
});

test.each([
  ['./grind.js', 'grind', './grind.js'],
  [undefined, 'grind', 'undefined'],
  [url, '', 'name of its export'],
  [url, undefined, 'undefined'],
])('an op at address %s with name %s is refused', (address, name, named) => {
  const error = failureOf(() => define(address, name, { run }));
  expect(error.code).toBe('ERR_INVALID_ARG');
  expect(error.message).toContain(named);
});

function failureOf(action: () => unknown): MillraceError {
  try {
    action();
  } catch (error) {
    if (error instanceof MillraceError) return error;
    throw error;
  }
  throw new Error('It did not throw');
}
