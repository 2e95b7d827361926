// A thread of the stress: leases, fills, checks, resizes, hands over, adopts, shares, joins and releases at random,
// until it is told to stop or is terminated. It posts that it works; what it finds wrong it posts too, and goes on.

import { BufferPools } from '@millrace/core';
import { parentPort, workerData } from 'node:worker_threads';
import {
  STOP,
  FAULTS,
  OPS,
  PATTERNS,
  checkPattern,
  exchangeIn,
  fillPattern,
  randomFrom,
  sizeFrom,
} from './orders.mjs';

const { handle, thread, seed, signals } = workerData;
const pools = BufferPools.attach(handle, thread);
const random = randomFrom(seed);
/** Slices that this thread holds alone, and those that it shares with others. */
const held = [];
const shared = [];
const MOST_HELD = 12;

/** What may end otherwise than well: somebody else was first. */
const LATE = new Set(['ERR_POOL_EXHAUSTED', 'ERR_SLICE_STALE', 'ERR_BAD_HANDLE']);

/** @param {() => void} action */
function attempt(action) {
  try {
    action();
  } catch (error) {
    if (!LATE.has(error.code)) throw error;
  }
}

function lease() {
  const bytes = sizeFrom(random);
  const timeoutMs = random() % 8 === 0 ? 1 + (random() % 4) : 0;
  const slice = pools.acquire(bytes, { timeoutMs });
  fillPattern(slice.bytes, random());
  held.push(slice);
}

function release() {
  const slice = takeFrom(held);
  if (!slice) return;
  check(slice);
  slice.release();
}

/** Puts a slice where any thread can take it, and takes the one that was there. */
function handOver() {
  const slice = takeFrom(held);
  if (!slice) return;
  check(slice);
  const taken = exchangeIn(workerData, random() % 8, slice.handOver());
  if (taken) adopt(taken);
}

function adoptSome() {
  const taken = exchangeIn(workerData, random() % 8, undefined);
  if (taken) adopt(taken);
}

function adopt(taken) {
  attempt(() => {
    const slice = pools.adopt(taken);
    held.push(slice);
    check(slice);
  });
}

function resize() {
  const slice = held[random() % held.length];
  if (!slice) return;
  check(slice);
  // The pattern goes by offset: a smaller slice still has its beginning, a larger one is filled anew.
  const before = slice.byteLength;
  attempt(() => slice.resize(sizeFrom(random)));
  if (slice.byteLength === before) return;
  check(slice, Math.min(before, slice.byteLength));
  fillPattern(slice.bytes, random());
}

function share() {
  const slice = takeFrom(held);
  if (!slice) return;
  check(slice);
  const told = slice.share();
  shared.push(slice);
  exchangeIn(workerData, 8 + (random() % 8), told);
}

function join() {
  const seen = exchangeIn(workerData, 8 + (random() % 8), undefined, true);
  if (!seen) return;
  attempt(() => {
    const slice = pools.join(seen);
    shared.push(slice);
    check(slice);
  });
}

function leave() {
  const slice = takeFrom(shared);
  if (!slice) return;
  check(slice);
  slice.release();
}

function takeFrom(slices) {
  if (slices.length === 0) return undefined;
  const index = random() % slices.length;
  const slice = slices[index];
  slices[index] = slices.at(-1);
  slices.pop();
  return slice;
}

function check(slice, length = slice.byteLength) {
  const fault = checkPattern(slice.bytes, length);
  Atomics.add(signals, PATTERNS, 1);
  if (fault === undefined) return;
  Atomics.add(signals, FAULTS, 1);
  parentPort.postMessage(
    `Thread ${thread} finds in slot ${slice.ref}, of ${slice.byteLength} bytes: ${fault}`,
  );
}

const actions = [
  lease,
  lease,
  lease,
  release,
  release,
  handOver,
  adoptSome,
  resize,
  share,
  join,
  leave,
  leave,
];

parentPort.postMessage(undefined);
while (Atomics.load(signals, STOP) === 0) {
  let action = actions[random() % actions.length];
  if (held.length + shared.length >= MOST_HELD)
    action = shared.length > held.length ? leave : release;
  attempt(action);
  if (random() % 256 === 0) pools.trim();
  Atomics.add(signals, OPS, 1);
}
while (held.length > 0) release();
while (shared.length > 0) leave();
