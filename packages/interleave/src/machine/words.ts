/**
 * Instrumented words, and the bytes they are made of: what the code under test takes for an `Int32Array`
 * and a `Uint8Array` on shared memory.
 *
 * Plain accesses go through a view to the runner. `Atomics` never comes this way: the façade knows the
 * words, and takes the index as it is.
 */
import { READ, WRITE } from './operations.js';
import type { Runner } from './runner.js';
import { viewLike } from './view.js';

/** Which words an instrumented array shows, and whose they are. */
export interface Shown {
  readonly offset: number;
  readonly length: number;
  readonly runnerOf: () => Runner;
}

const shown = new WeakMap<object, Shown>();

/** Which words an instrumented array shows; `undefined` for any other. */
export function shownBy(array: object): Shown | undefined {
  return shown.get(array);
}

/** Makes the instrumented form of `length` of the runner's words, from `offset` on. */
export function instrument(
  runnerOf: () => Runner,
  words: Int32Array,
  offset: number,
  length: number,
): Int32Array {
  const view = viewLike(words.subarray(offset, offset + length), {
    read: (index) => runnerOf().access(READ, offset + index, 0, 0),
    write: (index, value) => void runnerOf().access(WRITE, offset + index, value | 0, 0),
    part: (begin, end) => instrument(runnerOf, words, offset + begin, end - begin),
  });
  shown.set(view, { offset, length, runnerOf });
  return view;
}

/**
 * The bytes of explored words, as a `Uint8Array` whose accesses are seen: what `new Uint8Array(words.buffer, …)`
 * is elsewhere. The lowest byte of a word comes first.
 *
 * A byte is read and written with its word, and races are those of words: bytes of one word that two threads
 * write are a race here, and none outside.
 *
 * @param words explored words, or a `subarray` of them
 * @throws TypeError when they are not explored
 */
export function bytesOf(words: Int32Array): Uint8Array {
  const of = shownBy(words);
  if (!of) throw new TypeError('Cannot show the bytes of words that are not explored');
  return bytes(of.runnerOf, of.offset, 0, 4 * of.length);
}

function bytes(
  runnerOf: () => Runner,
  offset: number,
  firstByte: number,
  length: number,
): Uint8Array {
  const read = (index: number): number => runnerOf().access(READ, offset + (index >>> 2), 0, 0);
  // The array lends its type and its length; nothing is ever stored in it. It begins at an odd byte, so that
  // code which takes whole words of the buffer, where these are aligned, takes bytes instead: those are seen.
  return viewLike(new Uint8Array(new ArrayBuffer(length + 1), 1, length), {
    read: (index) => (read(firstByte + index) >>> shiftOf(firstByte + index)) & 0xff,
    write(index, value) {
      const at = firstByte + index;
      const shift = shiftOf(at);
      const word = (read(at) & ~(0xff << shift)) | ((value & 0xff) << shift);
      runnerOf().access(WRITE, offset + (at >>> 2), word, 0);
    },
    part: (begin, end) => bytes(runnerOf, offset, firstByte + begin, end - begin),
  });
}

function shiftOf(byte: number): number {
  return (byte & 3) * 8;
}
