// Message ring and broadcast ring, with two workers that block and the page that does not.

import { BroadcastRing, MessageRing } from '../../../dist/entries/index.js';
import { changed, runAll, sharedWords, signal, start } from '../site/threads.mjs';

const [PAGE, PUSHER, POPPER] = [1, 2, 3];
const QUEUE = { cells: 64, messageWords: 8 };
const NEWS = { cells: 256, messageWords: 8 };
const TOTAL = 20_000;
const PAGE_TOTAL = 2000;
/** Each consumer has so many for itself before both take what comes: neither is too late for all of it. */
const HEAD_START = 500;
/** Tells a consumer that no message follows. */
const END = -1;

/** A worker and the page push; another worker and the page pop. Each message comes out once, in its producer's order. */
export async function manyToMany() {
  const words = sharedWords(MessageRing.words(QUEUE));
  const seen = sharedWords(2 * TOTAL);
  const pusher = start(import.meta.url, 'push', { words });
  const turns = sharedWords(2);
  const popper = start(import.meta.url, 'pop', { words, seen, turns });

  const ring = new MessageRing(words, 0, QUEUE, PAGE);
  const tally = newTally();
  const pageTakes = (async () => {
    const message = new Int32Array(QUEUE.messageWords);
    for (;;) {
      if (ring.pop(message) < 0) await ring.waitForMessages();
      else if (message[0] === END) return;
      else note(message, seen, tally);
      if (tally.count !== HEAD_START) continue;
      signal(turns, 0);
      await Promise.race([changed(turns, 1, 0), popper.result]);
    }
  })();
  const pagePushes = (async () => {
    for (let number = 0; number < PAGE_TOTAL; number++) await pushAsync(ring, messageOf(0, number));
    await pusher.result;
    for (const end of [0, 1]) await pushAsync(ring, Int32Array.of(END, end));
  })();
  await Promise.all([pagePushes, pageTakes]);
  const tallies = [tally, await popper.result];
  const total = (name) => tallies.reduce((sum, each) => sum + each[name], 0);
  const once = (producer, count) =>
    seen.subarray(producer * TOTAL, producer * TOTAL + count).every((times) => times === 1);
  return {
    count: total('count'),
    broken: total('broken'),
    disorder: total('disorder'),
    eachOnce: once(0, PAGE_TOTAL) && once(1, TOTAL),
    bothTook: tallies.every(({ count }) => count >= HEAD_START),
  };
}

/** One worker tells the other and the page. Whoever is too slow misses messages, and knows how many. */
export async function broadcast() {
  const words = sharedWords(BroadcastRing.words(NEWS));
  const ready = sharedWords(1);
  const listener = start(import.meta.url, 'listen', { words, ready });
  await Promise.race([changed(ready, 0, 0), listener.result]);
  const reader = new BroadcastRing(words, 0, NEWS).reader('oldest');
  const writer = runAll(import.meta.url, 'tell', [{ words }]);
  const tally = { read: 0, broken: 0 };
  const message = new Int32Array(NEWS.messageWords);
  while (reader.position < TOTAL) {
    if (reader.read(message) < 0) await Promise.race([reader.wait(), writer]);
    else noteNews(message, reader.position - 1, tally);
  }
  await writer;
  const summary = ({ read, broken, missed }) => ({
    accounted: read + missed,
    broken,
    some: read > 0,
  });
  return {
    page: summary({ ...tally, missed: reader.missed }),
    worker: summary(await listener.result),
  };
}

export const jobs = { push, pop, tell, listen };

function push({ words }) {
  const ring = new MessageRing(words, 0, QUEUE, PUSHER);
  const size = QUEUE.messageWords;
  const batch = new Int32Array(size * 10);
  for (let next = 0; next < TOTAL;) {
    const count = Math.min(10, TOTAL - next);
    for (let i = 0; i < count; i++) batch.set(messageOf(1, next + i), i * size);
    const pushed = ring.pushBatch(batch, count);
    if (pushed === 0) ring.waitForRoomSync();
    next += pushed;
  }
}

function pop({ words, seen, turns }) {
  const ring = new MessageRing(words, 0, QUEUE, POPPER);
  const message = new Int32Array(QUEUE.messageWords);
  const tally = newTally();
  Atomics.wait(turns, 0, 0);
  for (;;) {
    if (ring.pop(message) < 0) ring.waitForMessagesSync();
    else if (message[0] === END) return tally;
    else note(message, seen, tally);
    if (tally.count === HEAD_START) signal(turns, 1);
  }
}

async function pushAsync(ring, message) {
  while (!ring.push(message)) await ring.waitForRoom();
}

/** Words that tell where a message comes from, and whether it is whole. */
function messageOf(producer, number) {
  const words = new Int32Array(QUEUE.messageWords);
  return words.map((_, index) => [producer, number][index] ?? wordOf(producer, number, index));
}

function wordOf(producer, number, index) {
  return (Math.imul(number ^ (producer << 20), 0x9e3779b1) + index) | 0;
}

function newTally() {
  return { count: 0, broken: 0, disorder: 0, last: [-1, -1] };
}

function note(message, seen, tally) {
  const [producer, number] = message;
  for (let index = 2; index < message.length; index++) {
    if (message[index] !== wordOf(producer, number, index)) tally.broken++;
  }
  if (number <= tally.last[producer]) tally.disorder++;
  tally.last[producer] = number;
  Atomics.add(seen, producer * TOTAL + number, 1);
  tally.count++;
}

function tell({ words }) {
  const writer = new BroadcastRing(words, 0, NEWS).writer();
  const message = new Int32Array(NEWS.messageWords);
  while (writer.position < TOTAL) writer.write(message.fill(writer.position));
}

function listen({ words, ready }) {
  const reader = new BroadcastRing(words, 0, NEWS).reader('oldest');
  signal(ready, 0);
  const message = new Int32Array(NEWS.messageWords);
  const tally = { read: 0, broken: 0 };
  while (reader.position < TOTAL) {
    if (reader.read(message) < 0) reader.waitSync();
    else noteNews(message, reader.position - 1, tally);
  }
  return { ...tally, missed: reader.missed };
}

function noteNews(message, position, tally) {
  if (message.some((word) => word !== position)) tally.broken++;
  tally.read++;
}
