/** Tables of 16-bit positions: emptied, and lowered by a window. Both by 16 bytes at a time. */

const NONE: i16 = -32768;

export function resetPositions(from: u32, to: u32): void {
  const none = i16x8.splat(NONE);
  for (let at = from; at < to; at += 16) v128.store(at, none);
}

/** By 32768, though not below -32768. */
export function lowerPositions(from: u32, to: u32): void {
  const window = i16x8.splat(NONE);
  for (let at = from; at < to; at += 32) {
    v128.store(at, i16x8.add_sat_s(v128.load(at), window));
    v128.store(at, i16x8.add_sat_s(v128.load(at, 16), window), 16);
  }
}
