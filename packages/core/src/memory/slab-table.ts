/**
 * The slab table: one memory as one thread sees it. The control block, the arenas, and where the bytes
 * of a slot are.
 */
import { MillraceError } from '../errors.js';
import { Arenas, type ArenaRenewal } from './arenas.js';
import { Geometry, PAGE_BYTES } from './geometry.js';
import {
  BYTES_PER_WORD,
  HEADER_COUNTERS,
  HEADER_EXTRA,
  HEADER_GUARD,
  HEADER_MAGIC,
  HEADER_SETTINGS,
  HEADER_SLABS,
  HEADER_SLABS_PER_ARENA,
  HEADER_VERSION,
  LINE,
  MAGIC,
  MOST_SLABS,
  SLAB_STATE,
  SLAB_WORDS,
  VERSION,
  controlLayout,
  slabOf,
  slotOf,
  type ControlLayout,
  type SlotRef,
} from './layout.js';
import { classOfPool } from './size-classes.js';
import { EMPTY, NO_POOL, RUN, slabPoolOf, slabStateOf } from './slab-word.js';

/** What `postMessage` carries so that another thread can attach the same memory. */
export interface MemoryHandle {
  readonly control: SharedArrayBuffer;
  readonly arenas: readonly ArenaRenewal[];
}

/** What a memory is made of. */
export interface MemoryPlan {
  /** Slabs of 4 MiB. */
  readonly slabs: number;
  /** Counters that every thread has. */
  readonly counters: number;
  /** Words for the room above. @defaultValue 0 */
  readonly extra?: number;
  /** Bytes between two slots: 0 or a page. @defaultValue 0 */
  readonly guard?: number;
  /** Words of the header that the pools give a meaning to. @defaultValue none */
  readonly settings?: readonly number[];
}

/** Views onto the slots of one slab, while its word is `word`. */
interface SlabViews {
  word: number;
  readonly views: (Uint8Array<SharedArrayBuffer> | undefined)[];
}

const HEADER_WORDS = LINE;

export class SlabTable {
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly layout: ControlLayout;
  readonly geometry: Geometry;
  readonly arenas: Arenas;
  /** So that a slot that is lent again at the same length needs no new view. */
  readonly #views: SlabViews[];

  private constructor(
    words: Int32Array<SharedArrayBuffer>,
    layout: ControlLayout,
    geometry: Geometry,
    arenas: Arenas,
  ) {
    this.words = words;
    this.layout = layout;
    this.geometry = geometry;
    this.arenas = arenas;
    this.#views = Array.from({ length: layout.slabs }, () => ({ word: 0, views: [] }));
  }

  /**
   * Reserves address range for the slabs, and the control block.
   *
   * @throws MillraceError `ERR_ARENA_UNAVAILABLE` when the system refuses
   */
  static create({ slabs, counters, extra = 0, guard = 0, settings = [] }: MemoryPlan): SlabTable {
    const layout = controlLayout(slabs, counters, extra);
    const geometry = new Geometry(guard);
    let words: Int32Array<SharedArrayBuffer>;
    try {
      words = new Int32Array(new SharedArrayBuffer(layout.words * BYTES_PER_WORD));
    } catch (cause) {
      throw new MillraceError(
        'ERR_ARENA_UNAVAILABLE',
        `Cannot reserve the control block of ${layout.words * BYTES_PER_WORD} bytes; lower "memory"`,
        { cause },
      );
    }
    const arenas = Arenas.create(words, layout, geometry);
    words[HEADER_VERSION] = VERSION;
    words[HEADER_SLABS] = slabs;
    words[HEADER_COUNTERS] = counters;
    words[HEADER_EXTRA] = extra;
    words[HEADER_SLABS_PER_ARENA] = layout.slabsPerArena;
    words[HEADER_GUARD] = guard;
    words.set(settings, HEADER_SETTINGS);
    // Publishes the header: attach reads it in the opposite order.
    Atomics.store(words, HEADER_MAGIC, MAGIC);
    return new SlabTable(words, layout, geometry, arenas);
  }

  /**
   * Attaches, in this thread, memory that another thread created.
   *
   * @throws MillraceError `ERR_BAD_HANDLE` when it is not millrace's, of another version, or cut short
   */
  static attach(handle: MemoryHandle): SlabTable {
    if (
      !(handle?.control instanceof SharedArrayBuffer) ||
      handle.control.byteLength < HEADER_WORDS * BYTES_PER_WORD ||
      !Array.isArray(handle.arenas)
    ) {
      throw new MillraceError(
        'ERR_BAD_HANDLE',
        'Cannot attach memory as it has no control block or no arenas',
      );
    }
    const header = new Int32Array(handle.control, 0, HEADER_WORDS);
    const magic = Atomics.load(header, HEADER_MAGIC);
    const version = header[HEADER_VERSION]!;
    if (magic !== MAGIC || version !== VERSION) {
      throw new MillraceError(
        'ERR_BAD_HANDLE',
        `Cannot attach memory of layout ${version} (mark 0x${(magic >>> 0).toString(16)}) as this is layout ${VERSION}`,
      );
    }
    const slabs = header[HEADER_SLABS]!;
    const layout = controlLayout(slabs, header[HEADER_COUNTERS]!, header[HEADER_EXTRA]);
    const geometry = new Geometry(header[HEADER_GUARD]!);
    if (
      slabs < 1 ||
      slabs > MOST_SLABS ||
      (geometry.guard !== 0 && geometry.guard !== PAGE_BYTES) ||
      handle.control.byteLength !== layout.words * BYTES_PER_WORD ||
      header[HEADER_SLABS_PER_ARENA] !== layout.slabsPerArena
    ) {
      throw new MillraceError('ERR_BAD_HANDLE', 'Cannot attach memory as parts of it are missing');
    }
    const words = new Int32Array(handle.control);
    return new SlabTable(
      words,
      layout,
      geometry,
      Arenas.attach(words, layout, geometry, handle.arenas),
    );
  }

  get handle(): MemoryHandle {
    return { control: this.words.buffer, arenas: this.arenas.handles };
  }

  /** The state word of `slab`, see `slab-word.ts`. */
  slabWord(slab: number): number {
    return Atomics.load(this.words, this.layout.slabsAt + slab * SLAB_WORDS + SLAB_STATE);
  }

  /** The size class that `slab` serves, or `undefined` while it serves none. */
  classOf(slab: number): number | undefined {
    const word = this.slabWord(slab);
    const pool = slabPoolOf(word);
    return slabStateOf(word) === EMPTY || pool === NO_POOL ? undefined : classOfPool(pool);
  }

  /** The first `length` bytes of the slot `ref`, which must be in use. */
  viewOf(ref: SlotRef, length: number): Uint8Array<SharedArrayBuffer> {
    const known = this.#views[slabOf(ref)]!;
    const word = this.slabWord(slabOf(ref));
    if (known.word === word) {
      const kept = known.views[slotOf(ref)];
      if (kept?.byteLength === length) return kept;
    } else {
      known.word = word;
      known.views.length = 0;
    }
    const view = this.#view(ref, word, length);
    known.views[slotOf(ref)] = view;
    return view;
  }

  /** The first `length` bytes of `slab`, guards included: not kept. */
  slabBytes(slab: number, length: number): Uint8Array<SharedArrayBuffer> {
    return this.arenas.of(slab).view(this.arenas.offsetOf(slab), length);
  }

  /** Takes in that an arena was renewed, and lets go of the old one. */
  takeRenewal(renewal: ArenaRenewal): void {
    this.arenas.take(renewal);
    this.dropViews(renewal.index);
  }

  /** Forgets the views onto arena `index`, which would keep its memory alive. */
  dropViews(index: number): void {
    const from = index * this.layout.slabsPerArena;
    for (const known of this.#views.slice(from, from + this.layout.slabsPerArena)) {
      known.views.length = 0;
    }
  }

  #view(ref: SlotRef, word: number, length: number): Uint8Array<SharedArrayBuffer> {
    const { geometry, arenas } = this;
    const slab = slabOf(ref);
    const offset =
      slabStateOf(word) === RUN ? geometry.guard : geometry.offsetOf(slabPoolOf(word), slotOf(ref));
    return arenas.of(slab).view(arenas.offsetOf(slab) + offset, length);
  }
}
