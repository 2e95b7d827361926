/**
 * The slab table: which slab serves which size class, and where its bytes are.
 *
 * Slab n lies in arena n / 256 at offset (n mod 256) × 4 MiB. Arenas reserve their address range when
 * they are created, so a slab that one thread opens is reachable from every other without a message.
 */
import { MillraceError } from '../errors.js';
import { Arena, type ArenaHandle } from './arena.js';
import {
  BYTES_PER_WORD,
  HEADER_COUNTERS,
  HEADER_MAGIC,
  HEADER_SLABS,
  HEADER_VERSION,
  MAGIC,
  SLABS_PER_ARENA,
  SLAB_BYTES,
  SLAB_CLASS,
  SLAB_WORDS,
  VERSION,
  controlLayout,
  slabOf,
  slotOf,
  type ControlLayout,
  type SlotRef,
} from './layout.js';
import { SIZE_CLASSES } from './size-classes.js';

/** What `postMessage` carries so that another thread can attach the same memory. */
export interface MemoryHandle {
  readonly control: SharedArrayBuffer;
  readonly arenas: readonly ArenaHandle[];
}

export class SlabTable {
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly layout: ControlLayout;
  readonly arenas: readonly Arena[];
  /** Views by slot, so that a slot that is lent again at the same length needs no new one. */
  readonly #views: (Uint8Array<SharedArrayBuffer> | undefined)[][];

  private constructor(control: SharedArrayBuffer, layout: ControlLayout, arenas: readonly Arena[]) {
    this.words = new Int32Array(control);
    this.layout = layout;
    this.arenas = arenas;
    this.#views = Array.from({ length: layout.slabs }, () => []);
  }

  /**
   * Reserves address range for `slabs` slabs and the control block for `counters` counters.
   *
   * @throws MillraceError `ERR_ARENA_UNAVAILABLE` when the system refuses
   */
  static create(slabs: number, counters: number): SlabTable {
    const arenas: Arena[] = [];
    while (arenas.length * SLABS_PER_ARENA < slabs) {
      arenas.push(Arena.create(arenaBytes(slabs, arenas.length)));
    }
    const layout = controlLayout(slabs, counters);
    let control: SharedArrayBuffer;
    try {
      control = new SharedArrayBuffer(layout.words * BYTES_PER_WORD);
    } catch (cause) {
      throw new MillraceError(
        'ERR_ARENA_UNAVAILABLE',
        `Cannot reserve the control block of ${layout.words * BYTES_PER_WORD} bytes; lower "memory"`,
        { cause },
      );
    }
    const table = new SlabTable(control, layout, arenas);
    table.words[HEADER_VERSION] = VERSION;
    table.words[HEADER_SLABS] = slabs;
    table.words[HEADER_COUNTERS] = counters;
    // Publishes the header: attach reads it in the opposite order.
    Atomics.store(table.words, HEADER_MAGIC, MAGIC);
    return table;
  }

  /**
   * Attaches, in this thread, memory that another thread created.
   *
   * @throws MillraceError `ERR_BAD_HANDLE` when it is not millrace's, of another version, or cut short
   */
  static attach(handle: MemoryHandle): SlabTable {
    if (
      !(handle?.control instanceof SharedArrayBuffer) ||
      handle.control.byteLength < 4 * BYTES_PER_WORD ||
      !Array.isArray(handle.arenas)
    ) {
      throw new MillraceError(
        'ERR_BAD_HANDLE',
        'Cannot attach memory as it has no control block or no arenas',
      );
    }
    const header = new Int32Array(handle.control, 0, 4);
    const magic = Atomics.load(header, HEADER_MAGIC);
    const version = header[HEADER_VERSION]!;
    if (magic !== MAGIC || version !== VERSION) {
      throw new MillraceError(
        'ERR_BAD_HANDLE',
        `Cannot attach memory of layout ${version} (mark 0x${(magic >>> 0).toString(16)}) as this is layout ${VERSION}`,
      );
    }
    const slabs = header[HEADER_SLABS]!;
    const layout = controlLayout(slabs, header[HEADER_COUNTERS]!);
    const arenas = handle.arenas.map((arena: ArenaHandle) => Arena.attach(arena));
    if (
      handle.control.byteLength !== layout.words * BYTES_PER_WORD ||
      arenas.length !== Math.ceil(slabs / SLABS_PER_ARENA) ||
      arenas.some((arena, index) => arena.maxBytes !== arenaBytes(slabs, index))
    ) {
      throw new MillraceError('ERR_BAD_HANDLE', `Cannot attach memory as parts of it are missing`);
    }
    return new SlabTable(handle.control, layout, arenas);
  }

  get handle(): MemoryHandle {
    return {
      control: this.words.buffer,
      arenas: this.arenas.map((arena) => arena.handle),
    };
  }

  /**
   * Dedicates an unused slab to `sizeClass` and makes its bytes addressable.
   *
   * @returns the slab's number, or `undefined` when all are in use
   */
  claim(sizeClass: number): number | undefined {
    for (let slab = 0; slab < this.layout.slabs; slab++) {
      const at = this.#recordAt(slab);
      if (Atomics.load(this.words, at) !== 0) continue;
      // The bytes come first: whoever sees the class may see bits in the bitmap, and use the slots.
      this.arenas[Math.floor(slab / SLABS_PER_ARENA)]!.ensure(
        ((slab % SLABS_PER_ARENA) + 1) * SLAB_BYTES,
      );
      if (Atomics.compareExchange(this.words, at, 0, sizeClass + 1) === 0) return slab;
    }
    return undefined;
  }

  /** The size class that `slab` serves, or `undefined` while it is unused. */
  classOf(slab: number): number | undefined {
    const state = Atomics.load(this.words, this.#recordAt(slab));
    return state === 0 ? undefined : state - 1;
  }

  /** The first `length` bytes of the slot `ref`. */
  viewOf(ref: SlotRef, length: number): Uint8Array<SharedArrayBuffer> {
    const slab = slabOf(ref);
    const views = this.#views[slab]!;
    const kept = views[slotOf(ref)];
    if (kept?.byteLength === length) return kept;
    const slotBytes = SIZE_CLASSES[this.classOf(slab)!]!;
    const offset = (slab % SLABS_PER_ARENA) * SLAB_BYTES + slotOf(ref) * slotBytes;
    const view = this.arenas[Math.floor(slab / SLABS_PER_ARENA)]!.view(offset, length);
    views[slotOf(ref)] = view;
    return view;
  }

  /** Bytes that have been made addressable so far. */
  get openBytes(): number {
    return this.arenas.reduce((sum, arena) => sum + arena.byteLength, 0);
  }

  #recordAt(slab: number): number {
    return this.layout.slabsAt + slab * SLAB_WORDS + SLAB_CLASS;
  }
}

/** The size of arena `index` in a memory of `slabs` slabs: the last may be smaller than the others. */
function arenaBytes(slabs: number, index: number): number {
  return Math.min(slabs - index * SLABS_PER_ARENA, SLABS_PER_ARENA) * SLAB_BYTES;
}
