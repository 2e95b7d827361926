/**
 * DEFLATE by our own WebAssembly kernel (`kernels/deflate`), one instance a thread, and one more if it
 * compresses something while it compresses.
 *
 * It is loaded when a thread first compresses. Its memory is its own and has a fixed size: input is copied
 * in and output copied out, which takes about 1 % of the time.
 */
import { readFileSync } from 'node:fs';

interface Kernel {
  readonly memory: WebAssembly.Memory;
  /** Where dictionary and bytes belong, one right behind the other. */
  input(): number;
  /** Where the result lies. */
  output(): number;
  /** The most bytes that `input()` has room for. */
  capacity(): number;
  /** The result's size. */
  deflate(level: number, leadBytes: number, inputBytes: number, last: boolean): number;
}

export interface DeflateOptions {
  /** 0 (none) to 9 (smallest). */
  readonly level: number;
  /** What stood right before the bytes: matches may begin in its last 32 KiB. */
  readonly lead: Uint8Array;
  /** Whether the deflate stream ends here; if not, the output ends on a byte's border (as by `Z_SYNC_FLUSH`). */
  readonly last: boolean;
  /** Called after each step of up to 512 symbols; it may compress something itself. */
  readonly breathe: () => void;
}

const WINDOW = 32 * 1024;
/** A stored block's header, for each so many bytes at most. */
const STORED_HEADER = 5;
const MAX_STORED = 65_535;

interface Instance {
  readonly kernel: Kernel;
  readonly memory: Uint8Array;
  breathe: () => void;
}

/** Those that are not at work. */
const idle: Instance[] = [];
let module: WebAssembly.Module | undefined;

/** The most bytes that come of `inputBytes`, at any level. */
export function deflateBound(inputBytes: number): number {
  const blocks = Math.max(1, Math.ceil(inputBytes / MAX_STORED));
  return inputBytes + STORED_HEADER * (blocks + 1);
}

/**
 * Compresses `bytes` into `output`; how many bytes that are.
 *
 * @throws RangeError when there are more bytes than one slot holds, or `output` is too small
 */
export function deflate(
  bytes: Uint8Array,
  output: Uint8Array,
  { level, lead, last, breathe }: DeflateOptions,
): number {
  const instance = idle.pop() ?? instantiate();
  const { kernel, memory } = instance;
  instance.breathe = breathe;
  const dictionary = lead.length > WINDOW ? lead.subarray(lead.length - WINDOW) : lead;
  const total = dictionary.length + bytes.length;
  try {
    if (total > kernel.capacity()) {
      throw new RangeError(
        `Cannot deflate ${bytes.length} bytes at once as there is room for ${kernel.capacity()} with their dictionary`,
      );
    }
    const input = kernel.input();
    memory.set(dictionary, input);
    memory.set(bytes, input + dictionary.length);
    const size = kernel.deflate(level, dictionary.length, bytes.length, last);
    const result = kernel.output();
    output.set(memory.subarray(result, result + size));
    return size;
  } finally {
    // Nothing outlives a call, so that an instance can be used again whatever has happened.
    idle.push(instance);
  }
}

/** V8 compiles a module once for all threads of a process that load the same bytes. */
function instantiate(): Instance {
  module ??= new WebAssembly.Module(readFileSync(new URL('./deflate.wasm', import.meta.url)));
  const imports = { index: { breathe: (): void => instance.breathe() } };
  const kernel = new WebAssembly.Instance(module, imports).exports as unknown as Kernel;
  const instance = { kernel, memory: new Uint8Array(kernel.memory.buffer), breathe(): void {} };
  return instance;
}
