/**
 * A parcel: a value on its way to another thread, with the slices in it taken out.
 *
 * What travels is the structured clone of the value in which a note stands wherever a slice stood, and
 * the list of the notes. Cloning keeps identity, so that the receiver tells notes from the value's own
 * arrays, and puts slices of its own in their places. Slices are found in plain objects, arrays, Maps
 * and Sets, at any depth.
 *
 *   { a: slice, b: [1, slice] }  ──▶  { a: note, b: [1, note] }, [note]  ──▶  { a: theirs, b: [1, theirs] }
 */
import { types } from 'node:util';
import { Slice } from '@millrace/core';

/** What is said of a slice: numbers, whose meaning the two sides agree on. */
export type Note = readonly number[];

export interface Parcel {
  /** The value with notes for slices; the value itself when there are none in it. */
  readonly value: unknown;
  readonly notes: readonly Note[];
  readonly form: Form;
}

/** By what a value can be sent so that the same comes of it as by structured cloning. */
export type Form =
  /** JSON, which takes a fourth of the time for what is small and simple. */
  | 'json'
  /** V8's serialization, which knows all that belongs to the language and is not shared. */
  | 'v8'
  /** A message, for shared memory and for Node's own classes. */
  | 'message';

const NO_NOTES: readonly Note[] = [];

/** @param note called once for each slice in `value`; what it throws goes to the caller */
export function pack(value: unknown, note: (slice: Slice) => Note): Parcel {
  const survey = new Survey();
  survey.look(value);
  if (!survey.slices) return { value, notes: NO_NOTES, form: survey.form };
  const replacement = new Replacement(note);
  const replaced = replacement.of(value);
  return { value: replaced, notes: [...replacement.notes.values()], form: survey.form };
}

/** Puts slices in the places of the notes; `value` is a clone of our own, which is changed. */
export function unpack(
  value: unknown,
  notes: readonly Note[],
  sliceOf: (note: Note) => Slice,
): unknown {
  if (notes.length === 0) return value;
  const slices = new Map<unknown, Slice>(notes.map((note) => [note, sliceOf(note)]));
  const seen = new Set<unknown>();
  const put = (part: unknown): unknown => {
    if (typeof part !== 'object' || part === null) return part;
    const slice = slices.get(part);
    if (slice) return slice;
    if (seen.has(part)) return part;
    seen.add(part);
    if (part instanceof Map) {
      const entries = [...part];
      // Anew, so that the order stays where a key is a slice.
      part.clear();
      for (const [key, held] of entries) part.set(put(key), put(held));
    } else if (part instanceof Set) {
      const members = [...part];
      part.clear();
      for (const member of members) part.add(put(member));
    } else if (isContainer(part)) {
      for (const key of Object.keys(part)) part[key] = put(part[key]);
    }
    return part;
  };
  return put(value);
}

/** Of these `v8.serialize` makes what structured cloning makes; Node's own cloneable classes it empties. */
// prettier-ignore
const NATIVE = new Set<unknown>([
  Date, RegExp, Boolean, Number, String, BigInt, ArrayBuffer, DataView, Buffer,
  Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array,
  Float32Array, Float64Array, BigInt64Array, BigUint64Array,
  Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError,
].map(({ prototype }) => prototype as unknown));

/** JSON is for values of at most so many objects, and strings of so many characters. */
const MOST_OBJECTS = 64;
const MOST_CHARACTERS = 1024;

class Survey {
  slices = false;
  form: Form = 'json';
  readonly #seen = new Set<object>();

  look(part: unknown): void {
    switch (typeof part) {
      case 'boolean':
        return;
      case 'number':
        if (!Number.isFinite(part) || Object.is(part, -0)) this.#atLeastV8();
        return;
      case 'string':
        if (part.length > MOST_CHARACTERS) this.#atLeastV8();
        return;
      case 'object':
        if (part !== null) this.#lookInto(part);
        return;
      case 'function':
      case 'symbol':
        // It will be refused there, in the words of structured cloning.
        this.form = 'message';
        return;
      default:
        this.#atLeastV8();
    }
  }

  #lookInto(part: object): void {
    // JSON would make two of one.
    if (this.#seen.has(part)) return this.#atLeastV8();
    this.#seen.add(part);
    if (types.isProxy(part)) {
      this.form = 'message';
    } else if (isContainer(part)) {
      const keys = Object.keys(part);
      if (this.#seen.size > MOST_OBJECTS || !isJsonObject(part, keys)) this.#atLeastV8();
      for (const key of keys) this.look(part[key]);
    } else {
      this.#atLeastV8();
      this.#lookIntoOther(part);
    }
  }

  #lookIntoOther(part: object): void {
    if (part instanceof Slice) {
      this.slices = true;
    } else if (part instanceof Map) {
      for (const [key, held] of part) {
        this.look(key);
        this.look(held);
      }
    } else if (part instanceof Set) {
      for (const member of part) this.look(member);
    } else if (!NATIVE.has(Object.getPrototypeOf(part)) || isShared(part)) {
      this.form = 'message';
    }
  }

  #atLeastV8(): void {
    if (this.form === 'json') this.form = 'v8';
  }
}

/** Neither an array with holes, or with more than its elements, nor one that JSON would ask for something else. */
function isJsonObject(part: Record<string, unknown>, keys: string[]): boolean {
  if (!Array.isArray(part)) return !('toJSON' in part);
  const { length } = keys;
  return length === part.length && (length === 0 || keys[length - 1] === String(length - 1));
}

/** Copies of the containers, in which notes stand for slices. */
class Replacement {
  readonly notes = new Map<Slice, Note>();
  readonly #note: (slice: Slice) => Note;
  readonly #copies = new Map<object, object>();

  constructor(note: (slice: Slice) => Note) {
    this.#note = note;
  }

  of(part: unknown): unknown {
    if (typeof part !== 'object' || part === null) return part;
    return part instanceof Slice
      ? this.#noteOf(part)
      : (this.#copies.get(part) ?? this.#copy(part));
  }

  #noteOf(slice: Slice): Note {
    let note = this.notes.get(slice);
    if (!note) this.notes.set(slice, (note = this.#note(slice)));
    return note;
  }

  #copy(part: object): object {
    if (part instanceof Map) {
      const copy = this.#begin(part, new Map<unknown, unknown>());
      for (const [key, held] of part) copy.set(this.of(key), this.of(held));
      return copy;
    }
    if (part instanceof Set) {
      const copy = this.#begin(part, new Set<unknown>());
      for (const member of part) copy.add(this.of(member));
      return copy;
    }
    if (!isContainer(part)) return part;
    // Of an array with its holes.
    const copy = this.#begin(part, Array.isArray(part) ? (part as object[]).slice() : {});
    for (const key of Object.keys(part)) {
      // Not by assignment: a key may be `__proto__`.
      Object.defineProperty(copy, key, {
        value: this.of(part[key]),
        enumerable: true,
        writable: true,
        configurable: true,
      });
    }
    return copy;
  }

  /** Before its parts, since they may hold it. */
  #begin<T extends object>(part: object, copy: T): T {
    this.#copies.set(part, copy);
    return copy;
  }
}

/** A plain object or an array. */
function isContainer(part: object): part is Record<string, unknown> {
  const prototype: unknown = Object.getPrototypeOf(part);
  return prototype === Object.prototype || prototype === Array.prototype || prototype === null;
}

function isShared(part: object): boolean {
  return ArrayBuffer.isView(part) && part.buffer instanceof SharedArrayBuffer;
}
