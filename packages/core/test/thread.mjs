// A thread of the tests. It does the one job that it was started for, posts the result, and ends.

import { BufferPools, SIZE_CLASSES } from '@millrace/core';
import { Arena, PoolRoom, SlabTable, fromWords } from '@millrace/core/internal';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';

const jobs = { growArena, countUp, churn, fight, wait, meetRenewals, passOn, adoptAndRelease };

const { job, orders } = workerData;
parentPort.postMessage(jobs[job](orders));

/** Attaches the arena, and from then on learns of its growth from the arena alone. */
function growArena({ arena: handle, signals }) {
  const arena = Arena.attach(handle);
  const atFirst = arena.byteLength;
  Atomics.store(signals, 0, 1);
  Atomics.notify(signals, 0);

  Atomics.wait(signals, 1, 0);
  const grownByOther = arena.byteLength;
  const read = arena.view(grownByOther - 1, 1)[0];
  arena.ensure(grownByOther * 2);
  arena.view(grownByOther * 2 - 1, 1)[0] = read + 1;
  Atomics.store(signals, 2, 1);
  Atomics.notify(signals, 2);
  return { atFirst, grownByOther, read };
}

/** Adds `amount` to a counter `times` times. Word 0 of `progress` counts what was begun, word 1 what was done. */
function countUp({ handle, thread, index, amount, times, progress }) {
  const pools = BufferPools.attach(handle, thread);
  const at = pools.counters.at(thread, index);
  for (let n = 1; n <= times; n++) {
    Atomics.store(progress, 0, n);
    pools.count(at, amount);
    Atomics.store(progress, 1, n);
  }
  return true;
}

/**
 * Leases and releases slices of random sizes, in random order. It signs each slice at both ends and in `users`,
 * and counts as a fault each slice that somebody else has signed.
 */
function churn({ handle, thread, users, seed, tries, most, signal, signalAt, stop }) {
  const pools = BufferPools.attach(handle, thread);
  const random = randomFrom(seed);
  const held = [];
  const tally = { leases: 0, exhausted: 0, faults: 0 };

  const lease = () => {
    const slice = pools.tryAcquire(randomSize(random));
    if (!slice) {
      tally.exhausted++;
      return;
    }
    if (Atomics.compareExchange(users, slice.ref, 0, thread) !== 0) tally.faults++;
    slice.bytes[0] = thread;
    slice.bytes[slice.byteLength - 1] = thread;
    held.push(slice);
    tally.leases++;
  };
  const release = () => {
    const index = random() % held.length;
    const slice = held[index];
    held[index] = held.at(-1);
    held.pop();
    if (slice.bytes[0] !== thread || slice.bytes[slice.byteLength - 1] !== thread) tally.faults++;
    if (Atomics.compareExchange(users, slice.ref, thread, 0) !== thread) tally.faults++;
    slice.release();
  };

  for (let tried = 0; tried < tries; tried = tally.leases + tally.exhausted) {
    if (stop && Atomics.load(stop, 0) !== 0) break;
    if (tried === signalAt) {
      Atomics.store(signal, 0, 1);
      Atomics.notify(signal, 0);
    }
    if (held.length === 0 || (held.length < most && random() % 2 === 0)) lease();
    else release();
  }
  while (held.length > 0) release();
  return tally;
}

/** Leases one slot at a time and empties its magazine, so that every round takes from the free list; counts refusals. */
function fight({ handle, thread, sizeClass, rounds, start }) {
  const table = SlabTable.attach(handle);
  const pool = new PoolRoom(table, thread, fromWords(table.words)).pools[sizeClass];
  Atomics.add(start, 0, 1);
  Atomics.notify(start, 0);
  Atomics.wait(start, 1, 0);
  let refused = 0;
  for (let round = 0; round < rounds; round++) {
    // The slice itself is not used, so it needs no owner.
    const slice = pool.lend(1);
    if (slice === undefined) refused++;
    else pool.takeBack(slice.ref, slice.lease);
    pool.flush();
  }
  return refused;
}

/** Waits for a slice, takes a number when it has one, and releases it; tells the number, or why it got none. */
function wait({ handle, thread, bytes, timeoutMs, numbers, keep }) {
  const pools = BufferPools.attach(handle, thread);
  try {
    const slice = pools.acquire(bytes, { timeoutMs });
    const number = Atomics.add(numbers, 0, 1);
    if (!keep) slice.release();
    return number;
  } catch (error) {
    return error.code;
  }
}

/**
 * Leases, writes and releases whenever it is told to, in memory whose arenas are renewed meanwhile. What it
 * is not told by an event, since it never comes to its event loop, it fetches.
 */
function meetRenewals({ handle, thread, port, steps }) {
  let fetched = 0;
  const fetch = () => {
    for (let letter; (letter = receiveMessageOnPort(port));) {
      pools.takeRenewal(letter.message);
      fetched++;
    }
  };
  const pools = BufferPools.attach(handle, thread, { onUnknownArena: fetch });
  const seen = [];
  for (let step = 1; step <= 3; step++) {
    Atomics.wait(steps, 0, step - 1);
    const slice = pools.acquire(4 * 1024 * 1024);
    seen.push(slice.bytes[0]);
    slice.bytes.fill(step);
    slice.release();
    Atomics.store(steps, 1, step);
    Atomics.notify(steps, 1);
  }
  return { seen, fetched };
}

/** Leases a slice, writes its bytes and those at `beyond`, and hands it over. */
function passOn({ handle, thread, bytes, beyond }) {
  const pools = BufferPools.attach(handle, thread);
  const slice = pools.acquire(bytes);
  slice.bytes.fill(thread);
  writeBeyond(slice.bytes, beyond);
  return slice.handOver();
}

/** Adopts a slice and releases it; tells what that came to. It writes to byte `late` of what it held after that. */
function adoptAndRelease({ handle, thread, slice, late }) {
  const reports = [];
  const onReport = ({ code }) => reports.push(code);
  const pools = BufferPools.attach(handle, thread, { onReport });
  const adopted = pools.adopt(slice);
  const { bytes } = adopted;
  const outcome = { first: bytes[0], code: undefined, message: undefined, reports };
  try {
    adopted.release();
  } catch (error) {
    outcome.code = error.code;
    outcome.message = error.message;
  }
  if (late !== undefined) bytes[late] ^= 0xff;
  return outcome;
}

/** Changes bytes that are nobody's; each of `beyond` counts from the first of `bytes`. */
function writeBeyond(bytes, beyond) {
  for (const at of beyond) {
    const byte = new Uint8Array(bytes.buffer, bytes.byteOffset + at, 1);
    byte[0] ^= 0xff;
  }
}

/** Every class is as likely as the others, and then every size within it. */
function randomSize(random) {
  const largest = SIZE_CLASSES[random() % SIZE_CLASSES.length];
  return 1 + (random() % largest);
}

/** G. Marsaglia, "Xorshift RNGs", 2003. */
function randomFrom(seed) {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}
