// The byte ring: from worker to worker by blocking, and from worker to page as web streams.

import { ByteRing, readableFrom, writableTo } from '../../../dist/entries/index.js';
import { fill, randomFrom, wrongBytes } from '../site/memory.mjs';
import { codeOf, runAll, start } from '../site/threads.mjs';

const MIB = 2 ** 20;
const LARGEST = 50_000;

/** What is posted to a worker of a ring. */
function partsOf({ words, at, bytes }) {
  return { words, at, bytes };
}

/** One worker writes and the other reads, both in pieces of random sizes. */
export async function workerToWorker() {
  const ring = ByteRing.create(64 * 1024);
  const orders = { ring: partsOf(ring), total: 16 * MIB };
  const [written, read] = await runAll(import.meta.url, 'writeOrRead', [
    { ...orders, side: 'writer' },
    { ...orders, side: 'reader' },
  ]);
  return { written, read, state: ring.stats().state };
}

/** A worker writes compressed bytes into the ring, by way of streams; another decompresses them. */
export async function asStreams() {
  const ring = ByteRing.create(4096);
  const orders = { ring: partsOf(ring), total: 8 * MIB };
  const [sent, received] = await runAll(import.meta.url, 'stream', [
    { ...orders, side: 'writer' },
    { ...orders, side: 'reader' },
  ]);
  return { sent, received, state: ring.stats().state };
}

/** The same, read by the page, which never blocks; then it reads no further, and the worker is told. */
export async function toThePage() {
  const ring = ByteRing.create(4096);
  const orders = { ring: partsOf(ring), total: 2 * MIB };
  const worker = start(import.meta.url, 'stream', { ...orders, side: 'writer' });
  const received = await consume(ring);
  await worker.result;

  const second = ByteRing.create(4096);
  const cut = start(import.meta.url, 'writeUntilRefused', { ring: partsOf(second) });
  const reader = readableFrom(second.reader()).getReader({ mode: 'byob' });
  const { value } = await reader.read(new Uint8Array(100));
  await reader.cancel();
  return { received, piece: value.length, refusal: await cut.result };
}

export const jobs = { writeOrRead, stream, writeUntilRefused };

function writeOrRead({ ring: { words, at, bytes }, side, total }) {
  const ring = new ByteRing(words, at, bytes);
  return side === 'writer' ? writeAll(ring.writer(), total) : readAll(ring.reader());
}

function writeAll(writer, total) {
  const random = randomFrom(1);
  const buffer = new Uint8Array(LARGEST);
  let written = 0;
  while (written < total) {
    const count = Math.min(1 + (random() % LARGEST), total - written);
    fill(buffer.subarray(0, count), written);
    for (let done = 0; done < count;) {
      done += writer.write(buffer, done, count);
      if (done < count) writer.waitSync();
    }
    written += count;
  }
  writer.end();
  return written;
}

function readAll(reader) {
  const random = randomFrom(2);
  const buffer = new Uint8Array(LARGEST);
  const tally = { bytes: 0, wrong: 0 };
  for (;;) {
    reader.waitSync();
    if (reader.ended) return { ...tally, aborted: reader.aborted };
    const count = reader.read(buffer, 0, 1 + (random() % LARGEST));
    tally.wrong += wrongBytes(buffer.subarray(0, count), tally.bytes);
    tally.bytes += count;
  }
}

async function stream({ ring: { words, at, bytes }, side, total }) {
  const ring = new ByteRing(words, at, bytes);
  return side === 'writer' ? produce(ring, total) : consume(ring);
}

/** The bytes of `fill`, with random ones between them, so that they do not shrink to nothing. */
async function produce(ring, total) {
  const random = randomFrom(3);
  let sent = 0;
  const source = new ReadableStream({
    pull(controller) {
      const chunk = new Uint8Array(Math.min(1 + (random() % LARGEST), total - sent));
      fill(chunk, sent);
      for (let i = -sent & 1; i < chunk.length; i += 2) chunk[i] = random();
      controller.enqueue(chunk);
      sent += chunk.length;
      if (sent === total) controller.close();
    },
  });
  await source.pipeThrough(new CompressionStream('gzip')).pipeTo(writableTo(ring.writer()));
  return sent;
}

/** Looks at every other byte: see `produce`. */
async function consume(ring) {
  const tally = { bytes: 0, wrong: 0 };
  const chunks = readableFrom(ring.reader()).pipeThrough(new DecompressionStream('gzip'));
  const reader = chunks.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return tally;
    for (let i = ~tally.bytes & 1; i < value.length; i += 2) {
      if (value[i] !== ((tally.bytes + i) & 0xff)) tally.wrong++;
    }
    tally.bytes += value.length;
  }
}

async function writeUntilRefused({ ring: { words, at, bytes } }) {
  const writer = writableTo(new ByteRing(words, at, bytes).writer()).getWriter();
  return codeOf(async () => {
    for (;;) await writer.write(new Uint8Array(1000));
  });
}
