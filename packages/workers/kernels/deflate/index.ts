/**
 * DEFLATE (RFC 1951), after E. Biggers' libdeflate: the entry.
 *
 * The caller puts up to 32 KiB of dictionary at `input()`, the bytes to compress right behind it, and finds
 * the result at `output()`. Nothing is kept from one call to the next, so that the same bytes come out
 * whatever was compressed before.
 */
import { align, beginBits, bytesAt, put } from './bits';
import { writeBlock, writeStored } from './block';
import { beginChains, skipChains } from './chains';
import {
  CAPACITY,
  INPUT,
  INPUT_PADDING,
  LITLEN_FREQ,
  MEMORY_END,
  OUTPUT,
  SHORTEST_MATCH,
} from './layout';
import { beginPairs, skipPairs } from './pairs';
import { parseFast } from './parse-fast';
import { parseGreedy } from './parse-greedy';
import { parseLazy } from './parse-lazy';
import { beginSequences, endSequences, sequencesFull } from './sequences';
import { beginObserving, splitsHere } from './split';
import { fillTables } from './tables';

/** Called between steps of up to 512 symbols: the caller may do something else meanwhile. */
declare function breathe(): void;

const STORE = 0;
const FAST = 1;
const GREEDY = 2;
const LAZY = 3;
const LAZY_TWICE = 4;

const FINAL_FIXED: u64 = 3;

let parser: u32 = 0;
/** How many earlier positions are looked at, and which length of a match is good enough. */
let depth: u32 = 0;
let nice: u32 = 0;

// asconfig.json says how much memory there is.
if (MEMORY_END > (<u32>memory.size()) << 16) unreachable();
fillTables();

export function input(): u32 {
  return INPUT;
}

export function output(): u32 {
  return OUTPUT;
}

/** How much room there is at `input()`. */
export function capacity(): u32 {
  return CAPACITY;
}

/**
 * Compresses `size` bytes that lie behind `lead` bytes of dictionary; the output's size. The output ends
 * on a byte's border: with a final block if `last`, else with an empty stored block.
 */
export function deflate(level: u32, lead: u32, size: u32, last: bool): u32 {
  choose(level);
  const begin = INPUT + lead;
  const end = begin + size;
  memory.fill(end, 0, INPUT_PADDING);
  beginBits(OUTPUT);
  if (size == 0) {
    // An empty block of the fixed code: 3 bits and the end's 7.
    if (last) put(FINAL_FIXED, 10);
  } else if (parser == STORE) {
    writeStored(begin, end, last);
  } else {
    compress(INPUT, begin, end, last);
    // What grew is stored, so that the bound holds however many blocks there were.
    if (bytesAt() - OUTPUT >= storedBound(size)) {
      beginBits(OUTPUT);
      writeStored(begin, end, last);
    }
  }
  if (!last) writeStored(end, end, false);
  return align() - OUTPUT;
}

/** What the whole input takes when it is stored. */
function storedBound(size: u32): u32 {
  return size + 5 * ((size + 65534) / 65535);
}

/**
 * Mostly libdeflate's settings; 5, 6 and 7 search more, so that each level's output is smaller than that
 * of zlib's same level on programs as on text.
 */
function choose(level: u32): void {
  if (level == 0) use(STORE, 0, 0);
  else if (level == 1) use(FAST, 0, 32);
  else if (level == 2) use(GREEDY, 6, 10);
  else if (level == 3) use(GREEDY, 12, 14);
  else if (level == 4) use(GREEDY, 16, 30);
  else if (level == 5) use(LAZY, 20, 40);
  else if (level == 6) use(LAZY, 56, 96);
  else if (level == 7) use(LAZY_TWICE, 100, 130);
  else if (level == 8) use(LAZY_TWICE, 300, 258);
  else use(LAZY_TWICE, 600, 258);
}

function use(newParser: u32, newDepth: u32, newNice: u32): void {
  parser = newParser;
  depth = newDepth;
  nice = newNice;
}

function compress(dictionary: u32, begin: u32, end: u32, last: bool): void {
  if (parser == FAST) {
    beginPairs();
    for (let at = dictionary; at < begin; at += 1024) skipPairs(at, min(<u32>1024, begin - at));
  } else {
    beginChains();
    for (let at = dictionary; at < begin; at += 1024) skipChains(at, min(<u32>1024, begin - at));
  }
  let at = begin;
  while (at < end) {
    const blockBegin = at;
    at = parseBlock(at, end);
    writeBlock(blockBegin, at, last && at == end);
  }
}

/** Parses one block that begins at `begin`; where it ends. */
function parseBlock(begin: u32, end: u32): u32 {
  beginSequences(begin);
  beginObserving();
  let shortest = shortestOf(begin, end);
  // After 10,000 bytes, and whenever the block has doubled, there is a better guess.
  let reconsider = min(begin + 10_000, end);
  let at = begin;
  do {
    breathe();
    if (at >= reconsider) {
      shortest = shortestNow();
      reconsider += min(end - reconsider, at - begin);
    }
    const until = reconsider > at ? reconsider : end;
    if (parser == FAST) at = parseFast(at, until, end, nice);
    else if (parser == GREEDY) at = parseGreedy(at, until, end, shortest, depth, nice);
    else at = parseLazy(at, until, end, shortest, depth, nice, parser == LAZY_TWICE);
  } while (at < end && !sequencesFull() && !splitsHere(at - begin, end - at));
  endSequences(at);
  return at;
}

/** From which length on a match is worth taking, by how many different bytes there are in the first 4 KiB. */
function shortestOf(begin: u32, end: u32): u32 {
  if (end - begin < 512) return 3;
  // Their place is free: the frequencies are zero, and are made so again.
  const to = min(begin + 4096, end);
  for (let at = begin; at < to; at++) store<u32>(LITLEN_FREQ + 4 * <u32>load<u8>(at), 1);
  let used: u32 = 0;
  for (let i: u32 = 0; i < 256; i++) used += load<u32>(LITLEN_FREQ + 4 * i);
  memory.fill(LITLEN_FREQ, 0, 4 * 256);
  return shortestFor(used);
}

/** The same by the block's literals so far. */
function shortestNow(): u32 {
  let literals: u32 = 0;
  for (let i: u32 = 0; i < 256; i++) literals += load<u32>(LITLEN_FREQ + 4 * i);
  // Rare ones do not matter.
  const rare = literals >> 10;
  let used: u32 = 0;
  for (let i: u32 = 0; i < 256; i++) used += load<u32>(LITLEN_FREQ + 4 * i) > rare ? 1 : 0;
  return shortestFor(used);
}

function shortestFor(used: u32): u32 {
  const shortest: u32 = load<u8>(SHORTEST_MATCH + used);
  // Who searches little hardly finds long matches.
  return depth >= 16 ? shortest : min(shortest, <u32>(depth < 5 ? 4 : depth < 10 ? 5 : 7));
}
