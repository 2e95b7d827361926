// What the threads of the stress agree on: the words they share, the places where handles lie, patterns and sizes.

/** Words of `signals`. */
export const STOP = 0;
export const OPS = 1;
export const PATTERNS = 2;
export const FAULTS = 3;
export const SIGNALS = 4;

/** A place: who is at it, then a handle as three words. */
const PLACES = 16;
const PLACE_WORDS = 4;
export const EXCHANGE_WORDS = PLACES * PLACE_WORDS;

const EMPTY = 0;
const FULL = 1;
/** And the number of the thread that is at it. */
const BUSY = 2;

/**
 * Puts `put` into place `place`, and takes out, or with `peek` only looks at, what was there. Leaves a place alone at
 * which another thread is.
 */
export function exchangeIn({ exchange, thread }, place, put, peek = false) {
  const at = place * PLACE_WORDS;
  const state = Atomics.load(exchange, at);
  if (state >= BUSY || (state === EMPTY && !put)) return undefined;
  if (Atomics.compareExchange(exchange, at, state, BUSY + thread) !== state) return undefined;
  const [ref, lease, byteLength] = exchange.subarray(at + 1, at + 4);
  if (put) exchange.set([put.ref, put.lease, put.byteLength], at + 1);
  Atomics.store(exchange, at, put || peek ? FULL : EMPTY);
  return state === FULL ? { ref, lease, byteLength } : undefined;
}

/** Frees the place at which `thread` has died. */
export function freePlaceOf(exchange, thread) {
  for (let at = 0; at < exchange.length; at += PLACE_WORDS) {
    Atomics.compareExchange(exchange, at, BUSY + thread, EMPTY);
  }
}

const PAGE = 4096;

/** Writes `mark` and the offset at the beginning of each page, and at the end. */
export function fillPattern(bytes, mark) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + 8 <= bytes.length; at += PAGE) writeMark(view, at, mark);
}

function writeMark(view, at, mark) {
  view.setUint32(at, mark);
  view.setUint32(at + 4, (mark ^ (at * 2_654_435_761)) >>> 0);
}

/** What is wrong with the first `length` bytes; `undefined` when they are what one thread has written. */
export function checkPattern(bytes, length) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (length < 8) return undefined;
  const mark = view.getUint32(0);
  for (let at = 0; at + 8 <= length; at += PAGE) {
    const found = view.getUint32(at);
    const proof = view.getUint32(at + 4);
    if (found !== mark || proof !== (mark ^ (at * 2_654_435_761)) >>> 0) {
      return `${found} with ${proof} at ${at} where ${mark} was written`;
    }
  }
  return undefined;
}

const KiB = 1024;

/** From 4 KiB to a run of 9 MiB; small ones are more likely. */
export function sizeFrom(random) {
  const classes = [4, 16, 32, 64, 128, 256, 1024, 4096, 9216];
  const largest = classes[Math.min(random() % classes.length, random() % classes.length)] * KiB;
  return largest - (random() % (2 * KiB));
}

/** G. Marsaglia, "Xorshift RNGs", 2003. */
export function randomFrom(seed) {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}
