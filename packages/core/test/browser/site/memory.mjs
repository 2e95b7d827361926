// Pools as the scenarios use them. All that they need beside `acquire` and `release` stands here.

import { BufferPools, SIZE_CLASSES } from '../../../dist/entries/index.js';

/** Pools that this thread has made. */
export function createPools(memory, counters = 0) {
  return BufferPools.create({ memory, counters }, 0);
}

/** What another thread needs to be one more user of the pools; to be posted to it. */
export function invitationTo(pools) {
  return { handle: pools.handle, thread: pools.registry.register(0) };
}

/** The pools as the invited thread sees them. */
export function join({ handle, thread }) {
  return BufferPools.attach(handle, thread);
}

/** A slice in three words, for another thread of the same pools: it can be looked at there, or taken over. */
export function wordsOf(slice) {
  return [slice.ref, slice.lease, slice.byteLength];
}

/** Takes over the slice that another thread has told of. */
export function adopt(pools, [ref, lease, byteLength]) {
  return pools.adopt({ ref, lease, byteLength });
}

/** The bytes of a slice that another thread has told of, and keeps. */
export function bytesOf(pools, [ref, , byteLength]) {
  return pools.viewOf(ref, byteLength);
}

/** Leases all that can be had, largest first: how many bytes that is. They are all that was not lost. */
export function leaseEverything(pools) {
  let bytes = 0;
  for (const size of SIZE_CLASSES.toReversed()) {
    while (pools.tryAcquire(size)) bytes += size;
  }
  return bytes;
}

/** Bytes that can be told from others by their place and `seed`; 256 in a row are all different. */
export function fill(bytes, seed) {
  for (let i = 0; i < bytes.length; i++) bytes[i] = seed + i;
}

/** How many of the bytes are not those of {@link fill}. */
export function wrongBytes(bytes, seed) {
  let wrong = 0;
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== ((seed + i) & 0xff)) wrong++;
  return wrong;
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
