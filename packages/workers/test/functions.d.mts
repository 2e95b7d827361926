/** The types of functions.mjs. */
import type { Op, Slice } from '@millrace/workers';

export const twice: Op<void, number>;
export function add(a: number, b: number): number;
export const defined: (text: string) => string;
export function give(...args: unknown[]): unknown[];
export function same(value: unknown): unknown;
export function nothing(): void;
export function later<T>(value: T, turns?: number): Promise<T>;
export function thenable(value: number): PromiseLike<number>;
export function zeros(bytes: number): Uint8Array;
export function text(length: number): string;
export function kindOf(value: unknown): string;
export function notCloneable(): unknown;
export function mark(
  where: { held: Slice[] },
  byte: number,
): { ref: number; first: number; length: number; offset: number };
export function markLater(slice: Slice, byte: number): Promise<void>;
export function areSame(a: Slice, b: Slice): boolean;
export function refusals(slice: Slice): { codes: string[]; live: boolean; byte: number };
export function keep(slice: Slice): void;
export function useKept(): { live: boolean; code: string };
export function giveKept(): Slice;
export function fresh(sizes: number[]): Map<number, { slice: Slice; ref: number }>;
export function freshAndFailing(
  size: number,
  how: 'function' | 'released' | 'shared' | 'foreign',
): unknown;
export type Hold = 'exit' | 'throw from a timer' | 'blocked' | 'loop' | 'asleep';
export function hold(gate: Int32Array, slice: Slice, how: Hold): Slice | Promise<Slice>;
export function exits(gate: Int32Array, times: number): string;
export function isOnMill(): number;
export function fails(how: unknown): never;
export function failsLater(how: unknown): Promise<never>;
export const notAFunction: 7;
