/**
 * Makes a Huffman code whose codewords are at most `limit` bits long, out of how often each symbol occurs.
 *
 * The symbols are sorted; the tree is built in place, its two queues in one array; its depths are then
 * counted from the root down, where a leaf beyond the limit takes the place of a shallower one. That is
 * the best code when no codeword reaches the limit, and close to it otherwise.
 *
 * A node is a word: its frequency or its parent's index above, its symbol in the lower 10 bits.
 *
 * Source: A. Moffat, J. Katajainen, In-place calculation of minimum-redundancy codes (1995); E. Biggers,
 * libdeflate.
 */
import { COUNTS, NODES, NODES_SPARE } from './layout';

const SYMBOL_BITS: u32 = 10;
const SYMBOL: u32 = (1 << SYMBOL_BITS) - 1;
const DIGIT_BITS: u32 = 6;
const DIGITS: u32 = 1 << DIGIT_BITS;

/** Lengths to `bits` (a byte each), codewords to `codes` (a word each). */
export function makeCode(freqs: u32, symbols: u32, limit: u32, bits: u32, codes: u32): void {
  memory.fill(bits, 0, symbols);
  const used = collect(freqs, symbols);
  if (used < 2) {
    // Decoders want a complete code, so that a lone symbol gets a companion.
    const symbol: u32 = used == 0 ? 0 : load<u32>(NODES) & SYMBOL;
    store<u8>(bits + symbol, 1);
    store<u8>(bits + (symbol == 0 ? 1 : 0), 1);
  } else {
    const nodes = sort(used);
    buildTree(nodes, used);
    countDepths(nodes, used - 2, limit);
    handOut(nodes, bits, limit);
  }
  assignCodewords(bits, symbols, codes);
}

/** The symbols that occur, as nodes; how many. */
function collect(freqs: u32, symbols: u32): u32 {
  let used: u32 = 0;
  for (let symbol: u32 = 0; symbol < symbols; symbol++) {
    const freq = load<u32>(freqs + 4 * symbol);
    store<u32>(NODES + 4 * used, (freq << SYMBOL_BITS) | symbol);
    used += freq > 0 ? 1 : 0;
  }
  return used;
}

/** By frequency, then by symbol: a stable sort, digit by digit. Where the sorted nodes lie. */
function sort(used: u32): u32 {
  let from = NODES;
  let to = NODES_SPARE;
  let all: u32 = 0;
  for (let i: u32 = 0; i < used; i++) all |= load<u32>(from + 4 * i);
  for (let shift = SYMBOL_BITS; shift < 32 && all >> shift > 0; shift += DIGIT_BITS) {
    memory.fill(COUNTS, 0, 4 * DIGITS);
    for (let i: u32 = 0; i < used; i++) {
      const counter = Digit.counterOf(load<u32>(from + 4 * i), shift);
      store<u32>(counter, load<u32>(counter) + 1);
    }
    let place = to;
    for (let counter = COUNTS; counter < COUNTS + 4 * DIGITS; counter += 4) {
      const count = load<u32>(counter);
      store<u32>(counter, place);
      place += 4 * count;
    }
    for (let i: u32 = 0; i < used; i++) {
      const node = load<u32>(from + 4 * i);
      const counter = Digit.counterOf(node, shift);
      const place = load<u32>(counter);
      store<u32>(place, node);
      store<u32>(counter, place + 4);
    }
    const sorted = to;
    to = from;
    from = sorted;
  }
  return from;
}

/** Inlined by the compiler, which takes that order for methods alone. */
class Digit {
  @inline
  static counterOf(node: u32, shift: u32): u32 {
    return COUNTS + (((node >> shift) & (DIGITS - 1)) << 2);
  }
}

/**
 * Afterwards the first `used - 1` nodes are the inner ones, with the indexes of their parents; the
 * symbols stay in the order of their frequency.
 */
function buildTree(nodes: u32, used: u32): void {
  let leaf: u32 = 0;
  let inner: u32 = 0;
  for (let made: u32 = 0; made < used - 1; made++) {
    let freq: u32 = 0;
    for (let child = 0; child < 2; child++) {
      const fromLeaf =
        leaf < used &&
        (inner >= made ||
          load<u32>(nodes + 4 * leaf) >> SYMBOL_BITS <=
            load<u32>(nodes + 4 * inner) >> SYMBOL_BITS);
      if (fromLeaf) {
        freq += load<u32>(nodes + 4 * leaf++) >> SYMBOL_BITS;
      } else {
        const node = load<u32>(nodes + 4 * inner);
        freq += node >> SYMBOL_BITS;
        store<u32>(nodes + 4 * inner++, (made << SYMBOL_BITS) | (node & SYMBOL));
      }
    }
    store<u32>(nodes + 4 * made, (freq << SYMBOL_BITS) | (load<u32>(nodes + 4 * made) & SYMBOL));
  }
}

/** How many codewords there are of each length, into COUNTS. */
function countDepths(nodes: u32, root: u32, limit: u32): void {
  memory.fill(COUNTS, 0, 4 * DIGITS);
  store<u32>(COUNTS + 4, 2);
  store<u32>(nodes + 4 * root, load<u32>(nodes + 4 * root) & SYMBOL);
  for (let i = <i32>root - 1; i >= 0; i--) {
    const place = nodes + 4 * i;
    const node = load<u32>(place);
    let depth = (load<u32>(nodes + 4 * (node >> SYMBOL_BITS)) >> SYMBOL_BITS) + 1;
    store<u32>(place, (depth << SYMBOL_BITS) | (node & SYMBOL));
    if (depth >= limit) {
      depth = limit;
      do depth--;
      while (load<u32>(COUNTS + 4 * depth) == 0);
    }
    // An inner node takes the place of a leaf, and has two beneath it.
    const counter = COUNTS + 4 * depth;
    store<u32>(counter, load<u32>(counter) - 1);
    store<u32>(counter + 4, load<u32>(counter + 4) + 2);
  }
}

/** The longest codewords to the rarest symbols. */
function handOut(nodes: u32, bits: u32, limit: u32): void {
  let node = nodes;
  for (let length = limit; length > 0; length--) {
    for (let left = load<u32>(COUNTS + 4 * length); left > 0; left--) {
      store<u8>(bits + (load<u32>(node) & SYMBOL), length);
      node += 4;
    }
  }
}

/** RFC 1951, 3.2.2: the lengths alone determine the codewords. They are written highest bit first: reversed here. */
export function assignCodewords(bits: u32, symbols: u32, codes: u32): void {
  memory.fill(COUNTS, 0, 4 * 17);
  for (let symbol: u32 = 0; symbol < symbols; symbol++) {
    const counter = COUNTS + 4 * <u32>load<u8>(bits + symbol);
    store<u32>(counter, load<u32>(counter) + 1);
  }
  let code: u32 = 0;
  let shorter: u32 = 0;
  for (let length: u32 = 1; length <= 15; length++) {
    code = (code + shorter) << 1;
    shorter = load<u32>(COUNTS + 4 * length);
    store<u32>(COUNTS + 4 * length, code);
  }
  for (let symbol: u32 = 0; symbol < symbols; symbol++) {
    const length: u32 = load<u8>(bits + symbol);
    const counter = COUNTS + 4 * length;
    const next = load<u32>(counter);
    store<u32>(counter, next + 1);
    store<u32>(codes + 4 * symbol, length == 0 ? 0 : reversed(next, length) | (length << 24));
  }
}

function reversed(code: u32, length: u32): u32 {
  let x = ((code & 0x5555) << 1) | ((code >> 1) & 0x5555);
  x = ((x & 0x3333) << 2) | ((x >> 2) & 0x3333);
  x = ((x & 0x0f0f) << 4) | ((x >> 4) & 0x0f0f);
  x = ((x & 0x00ff) << 8) | (x >> 8);
  return x >> (16 - length);
}
