/**
 * What may be asked of a buffer beside its size.
 */
import { invalidSetting } from '../invalid-setting.js';
import { BUFFER_CLASSES, type BufferClass } from './buffer-class.js';

/**
 * Where in memory a buffer should lie.
 *
 * - `any`: the one in stock that was used last, which is the likeliest to be in this core's caches
 * - `local`: the same; a new one lies in the arena of the buffer that was last made so, where there is
 *   room, so that one WebAssembly kernel can address both
 * - `remote`: the one in stock that was used longest ago: for what another thread will fill
 * - `numa`: as `local`. Which node a page lies on the system decides when it is first touched; JavaScript
 *   has no say in it
 */
export type MemoryLocality = 'any' | 'local' | 'remote' | 'numa';

const LOCALITIES: readonly MemoryLocality[] = ['any', 'local', 'remote', 'numa'];

/**
 * How much is done to serve a get that finds the stock empty.
 *
 * - `low`: nothing more once the part `gcTriggerRatio` of the pools' memory is lent
 * - `normal`: all memory but the pools' `reserve` may be lent; when that is used up, the stock of the
 *   other classes goes back
 * - `high`: the same, and `hybrid` takes private memory then
 * - `critical`: the same, and the reserve as well; what is made for it is not kept
 */
export type AllocationPriority = 'low' | 'normal' | 'high' | 'critical';

const PRIORITIES: readonly AllocationPriority[] = ['low', 'normal', 'high', 'critical'];

export interface AllocOptions {
  /** The class to take it from, where its buffers are large enough. @defaultValue the smallest that is */
  readonly preferredClass?: BufferClass | undefined;
  /** The fewest bytes that it may be resized to in place. @defaultValue the size */
  readonly minSize?: number | undefined;
  /**
   * The most bytes that it may have. Where those of its class have more, it is made anew, with as many as
   * are asked for, and not kept. @defaultValue Infinity
   */
  readonly maxSize?: number | undefined;
  /** Whether it must be a slice, whatever the strategy: see `zero-copy`. @defaultValue false */
  readonly zeroCopy?: boolean | undefined;
  /**
   * A power of two up to 4096: its bytes begin at a multiple of that. Slices are page-aligned anyway (where
   * the pools' arenas are `wasm`). Of private memory no more than 8 can be told, so `hybrid` takes a
   * slice for more, and `direct` refuses. @defaultValue 1
   */
  readonly alignment?: number | undefined;
  /** @defaultValue 'any' */
  readonly locality?: MemoryLocality | undefined;
  /** @defaultValue 'normal' */
  readonly priority?: AllocationPriority | undefined;
  /** What it is for: `metadata` has it as `tag`, and so have events. @defaultValue none */
  readonly tag?: string | undefined;
}

/** What a slice is aligned to in any case, and the most that can be asked for. */
const PAGE_BYTES = 4096;

/** @throws MillraceError `ERR_INVALID_ARG`, which names the option, its value and the rule */
export function checkOptions(options: AllocOptions): void {
  const { preferredClass, minSize, maxSize, zeroCopy, alignment, locality, priority, tag } =
    options;
  need('preferredClass', preferredClass, BUFFER_CLASSES);
  need('minSize', minSize, isSize, 'an integer of 1 or more');
  need(
    'maxSize',
    maxSize,
    (value) => value === Infinity || isSize(value),
    'an integer of 1 or more, or Infinity',
  );
  need('zeroCopy', zeroCopy, [true, false]);
  need('alignment', alignment, isAlignment, `a power of two from 1 to ${PAGE_BYTES}`);
  need('locality', locality, LOCALITIES);
  need('priority', priority, PRIORITIES);
  need('tag', tag, (value) => typeof value === 'string', 'a string');
}

function isSize(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}

function isAlignment(value: unknown): boolean {
  const bits = value as number;
  return isSize(value) && bits <= PAGE_BYTES && (bits & (bits - 1)) === 0;
}

function need(name: keyof AllocOptions, value: unknown, holds: Holds, rule = ''): void {
  if (isRight(value, holds)) return;
  const right = typeof holds === 'function' ? rule : `one of ${holds.join(', ')}`;
  throw invalidSetting('get a buffer with', name, value, right);
}

/** What a value is to be one of, or a test of it. */
type Holds = readonly unknown[] | ((value: unknown) => boolean);

function isRight(value: unknown, holds: Holds): boolean {
  if (value === undefined) return true;
  return typeof holds === 'function' ? holds(value) : holds.includes(value);
}
