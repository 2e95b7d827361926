// A thread of the tests of rings and metrics. It does the one job that it was started for, posts the
// result, and ends.

import { BroadcastRing, ByteRing, Gauges, Histogram, MessageRing } from '@millrace/core';
import { parentPort, workerData } from 'node:worker_threads';

const jobs = {
  writeBytes,
  readBytes,
  push,
  pop,
  broadcast,
  listen,
  record,
  setGauge,
};

const { job, orders } = workerData;
parentPort.postMessage(jobs[job](orders));

/** The byte that belongs at `position`: see rings-pattern.ts. */
function byteAt(position) {
  return (Math.imul(position & 0x7fff_ffff, 0x9e3779b1) >>> 24) ^ (position & 0xff);
}

function sumOf(sum, byte) {
  return (Math.imul(sum, 31) + byte) | 0;
}

/** Writes the pattern up to position `until` in pieces of random sizes, some of them put before they are published. */
function writeBytes({ words, bytes, until, seed, largest }) {
  const writer = new ByteRing(words, 0, bytes).writer();
  const random = randomFrom(seed);
  const buffer = new Uint8Array(largest);
  let sum = 0;
  while (writer.position !== until) {
    const count = Math.min(1 + (random() % largest), (until - writer.position) & 0x7fff_ffff);
    for (let i = 0; i < count; i++) {
      buffer[i] = byteAt(writer.position + i);
      sum = sumOf(sum, buffer[i]);
    }
    const move = random() % 2 === 0 ? 'put' : 'write';
    for (let done = 0; done < count;) {
      done += writer[move](buffer, done, count);
      if (done < count) {
        writer.publish();
        writer.waitSync();
      }
    }
  }
  writer.end();
  return sum;
}

/** Reads to the end, or until stopped by its death; counts the bytes that are wrong for their place. */
function readBytes({ words, bytes, seed, largest, progress }) {
  const reader = new ByteRing(words, 0, bytes).reader();
  const random = randomFrom(seed);
  const buffer = new Uint8Array(largest);
  const tally = { sum: 0, count: 0, wrong: 0, aborted: false };
  for (;;) {
    reader.waitSync();
    if (reader.ended) break;
    const from = reader.position;
    const move = random() % 2 === 0 ? 'take' : 'read';
    const count = reader[move](buffer, 0, 1 + (random() % largest));
    for (let i = 0; i < count; i++) {
      if (buffer[i] !== byteAt(from + i)) tally.wrong++;
      tally.sum = sumOf(tally.sum, buffer[i]);
    }
    tally.count += count;
    reader.free();
    if (progress) Atomics.add(progress, 0, count);
  }
  tally.aborted = reader.aborted;
  return tally;
}

/**
 * Pushes messages that name their producer and carry ascending numbers, until `total`. With `quota`, it waits until
 * word 0 of that is higher than the number, and stops when word 0 is below zero. A message is [producer, number, then
 * words made of both, every `stride`th of them: the fewer, the more of its time the thread spends in the ring].
 */
function push({ words, shape, thread, producer, total, batch, quota, pushed, stride = 1 }) {
  const ring = new MessageRing(words, 0, shape, thread);
  const size = shape.messageWords;
  const messages = new Int32Array(size * batch);
  let next = 0;
  while (next < total) {
    const most = quota ? Atomics.load(quota, 0) : total;
    if (most < 0) break;
    if (next >= most) {
      Atomics.wait(quota, 0, most);
      continue;
    }
    const count = Math.min(batch, total - next);
    for (let i = 0; i < count; i++) {
      messages[i * size] = producer;
      messages[i * size + 1] = next + i;
      for (let w = 2; w < size; w += stride) {
        messages[i * size + w] = wordOf(producer, next + i, w);
      }
    }
    const done = batch === 1 ? Number(ring.push(messages)) : ring.pushBatch(messages, count);
    next += done;
    if (pushed) Atomics.add(pushed, 0, done);
    if (done === 0) ring.waitForRoomSync();
  }
  return next;
}

/**
 * Pops until a message says so (a producer of −1, one for each consumer), and marks each in `seen`, of producers ×
 * numbers, where numbers beyond the last begin anew. Counts messages that are broken, and those that came after a later one of the same producer.
 */
function pop({ words, shape, thread, batch, seen, numbers, popped, stride = 1 }) {
  const ring = new MessageRing(words, 0, shape, thread);
  const size = shape.messageWords;
  const messages = new Int32Array(size * batch);
  const last = new Map();
  const tally = { count: 0, broken: 0, disorder: 0 };
  for (let ended = 0; ended === 0;) {
    const count = batch === 1 ? Number(ring.pop(messages) >= 0) : ring.popBatch(messages, batch);
    for (let i = 0; i < count; i++) {
      const [producer, number] = [messages[i * size], messages[i * size + 1]];
      if (producer === -1) {
        ended++;
        continue;
      }
      for (let w = 2; w < size; w += stride) {
        if (messages[i * size + w] !== wordOf(producer, number, w)) tally.broken++;
      }
      if (number <= (last.get(producer) ?? -1)) tally.disorder++;
      last.set(producer, number);
      Atomics.add(seen, producer * numbers + (number % numbers), 1);
      tally.count++;
    }
    if (popped) Atomics.add(popped, 0, count);
    if (count === 0) ring.waitForMessagesSync();
    // An end too many is another consumer's.
    for (; ended > 1; ended--) {
      while (!ring.push(Int32Array.of(-1))) ring.waitForRoomSync();
    }
  }
  return tally;
}

function wordOf(producer, number, index) {
  return (Math.imul(number ^ (producer << 20), 0x9e3779b1) + index) | 0;
}

/** Writes messages that are made of their position until position `until`, in batches of random sizes. */
function broadcast({ words, shape, until, seed, largest }) {
  const writer = new BroadcastRing(words, 0, shape).writer();
  const random = randomFrom(seed);
  const size = shape.messageWords;
  const messages = new Int32Array(size * largest);
  while (writer.position < until) {
    const count = Math.min(1 + (random() % largest), until - writer.position);
    for (let i = 0; i < count; i++) {
      messages.fill((writer.position + i) | 0, i * size, (i + 1) * size);
    }
    if (count === 1) writer.write(messages, size);
    else writer.writeBatch(messages, count);
  }
  return true;
}

/** Reads until position `until`; counts torn messages and messages out of place. With `lag`, it waits to be lapped. */
function listen({ words, shape, from, until, lag, ready }) {
  const ring = new BroadcastRing(words, 0, shape);
  const reader = ring.reader('oldest');
  Atomics.add(ready, 0, 1);
  Atomics.notify(ready, 0);
  const message = new Int32Array(shape.messageWords);
  const tally = { read: 0, missed: 0, torn: 0, misplaced: 0 };
  while (reader.position < until) {
    const length = reader.read(message);
    if (length < 0) {
      reader.waitSync();
      continue;
    }
    tally.read++;
    if (message[0] !== ((reader.position - 1) | 0)) tally.misplaced++;
    if (length !== message.length || message.some((word) => word !== message[0])) tally.torn++;
    const goal = Math.min(reader.position + lag, until) - from;
    while (lag > 0 && ring.stats().written < goal);
  }
  tally.missed = reader.missed;
  return tally;
}

/** Records 0 … total − 1, each `times` times. */
function record({ words, thread, total, times, progress }) {
  const recorder = new Histogram(words, 0).recorder(thread);
  for (let value = 0; value < total; value++) {
    for (let i = 0; i < times; i++) recorder.record(value);
    Atomics.store(progress, thread, value + 1);
  }
  return true;
}

/** Sets a gauge to numbers whose two halves are alike. */
function setGauge({ words, thread, count, times }) {
  const gauges = new Gauges(words, 0, count);
  const double = new Float64Array(1);
  const halves = new Int32Array(double.buffer);
  for (let i = 0; i < times; i++) {
    halves[0] = halves[1] = i;
    gauges.setLatest(thread, 0, double[0]);
  }
  return true;
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
