/**
 * What the types say of ops. Nothing here runs: the check `types` compiles it, and each
 * `@ts-expect-error` fails it when the line below compiles.
 */
import { defineOp, type Mill, type Slice } from '@millrace/workers';
import { expectTypeOf } from 'vitest';

const url = import.meta.url;

const flip = defineOp(url, 'flip', {
  inPlace: true,
  run(bytes) {
    bytes.reverse();
  },
});
const scale = defineOp(url, 'scale', {
  inPlace: true,
  split: { size: 1024 },
  async run(bytes, { by }: { by: number }) {
    bytes[0] = bytes[0]! * by;
  },
});
const copy = defineOp(url, 'copy', {
  outputBound: (size) => size,
  split: { size: 1024, overlap: 16 },
  merge: 'concatenate',
  run(bytes, _params, { output }) {
    output.set(bytes);
    return bytes.length;
  },
});
const framed = defineOp(url, 'framed', {
  outputBound: (size) => size,
  split: { size: 1024 },
  merge: {
    start: () => ({ chunks: 0 }),
    head: () => new Uint8Array(1),
    join: ({ chunks }, value, bytes) => ({ chunks: chunks + value + bytes }),
    tail: ({ chunks }) => new Uint8Array(chunks),
  },
  run: async () => ({ size: 1, value: 2 }),
});
const count = defineOp(url, 'count', {
  split: { size: 1024 },
  run: (bytes, { add }: { add: number }) => bytes.length + add,
  merge: (left, right, params, rightBytes) => left + right + params.add + rightBytes,
});
const later = defineOp(url, 'later', { run: async (bytes) => ({ first: bytes[0] }) });
const lines = defineOp(url, 'lines', {
  generates: true,
  *run(bytes) {
    yield bytes.length;
  },
});
const stateful = defineOp(url, 'stateful', {
  async setup(params: { table: number[] }) {
    return { table: new Map(params.table.entries()) };
  },
  teardown({ table }) {
    table.clear();
  },
  run: (bytes, _params, { state }) => state.table.get(bytes[0]!),
});

/** What comes of running them. */
export async function runs(mill: Mill, bytes: Uint8Array, slice: Slice): Promise<void> {
  const [a, b] = [await mill.run(flip, bytes), await mill.run(scale, slice, { by: 2 })];
  const [c, d] = [await mill.run(copy, slice), await mill.run(count, bytes, { add: 1 })];
  const [e, f] = [await mill.run(later, bytes), await mill.run(stateful, bytes, { table: [1] })];
  expectTypeOf(a).toEqualTypeOf<Uint8Array>();
  expectTypeOf(b).toEqualTypeOf<Slice>();
  expectTypeOf(c).toEqualTypeOf<Uint8Array>();
  expectTypeOf(d).toEqualTypeOf<number>();
  expectTypeOf(e).toEqualTypeOf<{ first: number | undefined }>();
  expectTypeOf(f).toEqualTypeOf<number | undefined>();
  for await (const line of mill.run(lines, slice)) expectTypeOf(line).toEqualTypeOf<number>();
  expectTypeOf(lines.result).toEqualTypeOf<number>();
  expectTypeOf(framed.kind).toEqualTypeOf<'transform'>();

  // @ts-expect-error: wrong params
  await mill.run(scale, slice, { by: '2' });
  // @ts-expect-error: missing params
  await mill.run(scale, slice, {});
  // @ts-expect-error: no op
  await mill.run('flip', slice);
  // @ts-expect-error: neither bytes nor a slice
  await mill.run(flip, 'bytes');
  // @ts-expect-error: a value cannot be written to a file
  await mill.pump({ from: 'a', op: count, to: 'b' });
  // @ts-expect-error: nor streamed
  mill.stream(count);
}

/** Definitions that cannot be. */
export function wrong(): void {
  const run = (): number => 1;
  // @ts-expect-error: no run
  defineOp(url, 'x', {});
  // @ts-expect-error: two kinds at once
  defineOp(url, 'x', { inPlace: true, outputBound: () => 1, run: () => {} });
  // @ts-expect-error: an op in place returns nothing
  defineOp(url, 'x', { inPlace: true, run });
  // @ts-expect-error: a transform says how much it wrote
  defineOp(url, 'x', { outputBound: () => 1, run: () => {} });
  // @ts-expect-error: a bound is a number
  defineOp(url, 'x', { outputBound: () => '1', run });
  // @ts-expect-error: values of chunks need a merge
  defineOp(url, 'x', { split: { size: 1 }, run });
  // @ts-expect-error: values cannot be concatenated
  defineOp(url, 'x', { split: { size: 1 }, merge: 'concatenate', run });
  // @ts-expect-error: a merge gives what it takes
  defineOp(url, 'x', { split: { size: 1 }, merge: (): string => '', run });
  // @ts-expect-error: merge without split
  defineOp(url, 'x', { merge: (left: number) => left, run });
  const outputBound = (): number => 1;
  const split = { size: 1 };
  const start = (): number => 0;
  const frame = { start, head: () => new Uint8Array(1), tail: () => new Uint8Array(1) };
  const join = (state: string): string => state;
  // @ts-expect-error: a frame has four functions
  defineOp(url, 'x', { outputBound, split, run, merge: frame });
  // @ts-expect-error: a frame's state is of one type
  defineOp(url, 'x', { outputBound, split, run, merge: { ...frame, join } });
  // @ts-expect-error: no overlap in place
  defineOp(url, 'x', { inPlace: true, split: { size: 1, overlap: 1 }, run: () => {} });
  // @ts-expect-error: a generator yields
  defineOp(url, 'x', { generates: true, run });
  const generate = function* (): Generator<number, void, undefined> {
    yield 1;
  };
  // @ts-expect-error: a generator has no chunks
  defineOp(url, 'x', { generates: true, split, run: generate });
  // @ts-expect-error: what the setup returns is what the run gets
  defineOp(url, 'x', { setup: () => 1, run: (_bytes, _params, { state }) => state.length });
  // @ts-expect-error: no setup, no state
  defineOp(url, 'x', { run: (_bytes, _params, { state }) => state.length });
  const params = (): { level: number } => ({ level: 1 });
  // @ts-expect-error: what the run takes is what the check returns
  defineOp(url, 'x', { params, run: (_bytes, { level }: { level: string }) => level });
}
