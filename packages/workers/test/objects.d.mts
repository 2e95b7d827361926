/** The types of objects.mjs. */
import type { ProxyMarked, Slice } from '@millrace/workers';

export class Counter {
  constructor(start?: number | 'fail' | 'exit', gate?: Int32Array);
  start: number;
  readonly count: number;
  add(n?: number): number;
  addLater(n: number): Promise<number>;
  where(): number;
  never(): Promise<number>;
  block(): string;
  exit(): number;
  fail(how: unknown): number;
  give(...values: unknown[]): unknown[];
  notCloneable(): unknown;
  mark(slice: Slice, byte: number): { first: number; offset: number; isSlice: boolean };
  keep(slice: Slice): void;
  useKept(): number;
  fresh(size: number, byte: number): { slice: Slice; offset: number };
  each<R>(numbers: number[], callback: ((n: number) => R) & ProxyMarked): Promise<Awaited<R>[]>;
  lendTo(
    callback: ((slice: Slice) => unknown) & ProxyMarked,
    byte: number,
  ): Promise<{ answer: unknown; after: number }>;
  passOn(
    slice: Slice,
    callback: ((what: { inner: [Slice] }) => Slice) & ProxyMarked,
  ): Promise<{ isSame: boolean; byte: number }>;
  child(start: number): Counter & ProxyMarked;
  [Symbol.dispose](): void;
}

export class Slow {
  constructor(gate: Int32Array);
  [Symbol.asyncDispose](): Promise<void>;
}

export const shared: { name: string; calls: number; call(): number };
