/** How far two places agree: 8 bytes at a time. */

/** Inlined by the compiler, which takes that order for methods alone. */
export class Match {
  /** The length of a match of at least `from` and at most `most` bytes. Reads up to 7 bytes beyond. */
  @inline
  static extend(here: u32, there: u32, from: u32, most: u32): u32 {
    let length = from;
    while (length < most) {
      const difference = load<u64>(here + length) ^ load<u64>(there + length);
      if (difference != 0) {
        length += <u32>(ctz(difference) >> 3);
        break;
      }
      length += 8;
    }
    return min(length, most);
  }
}
