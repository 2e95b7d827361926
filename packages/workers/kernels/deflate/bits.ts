/**
 * Writes bits, the lowest first, by way of a buffer of 64 bits.
 *
 * Between calls at most 7 bits wait in the buffer: `put` always stores 8 bytes and advances by the
 * whole ones, without a branch.
 */
let buffer: u64 = 0;
let waiting: u32 = 0;
let at: u32 = 0;

export function beginBits(output: u32): void {
  buffer = 0;
  waiting = 0;
  at = output;
}

/** At most 57 bits. */
export function put(bits: u64, count: u32): void {
  buffer |= bits << waiting;
  waiting += count;
  store<u64>(at, buffer);
  at += waiting >> 3;
  buffer >>= waiting & ~7;
  waiting &= 7;
}

/** Fills the last byte with zeros; where the next one goes. */
export function align(): u32 {
  if (waiting > 0) put(0, 8 - waiting);
  return at;
}

/** For a loop that keeps the writer's state in locals, and for whoever writes whole bytes. */
export function bitBuffer(): u64 {
  return buffer;
}

export function bitsWaiting(): u32 {
  return waiting;
}

export function bytesAt(): u32 {
  return at;
}

export function resumeBits(newBuffer: u64, newWaiting: u32, newAt: u32): void {
  buffer = newBuffer;
  waiting = newWaiting;
  at = newAt;
}
