// Copies and tees by an adaptive pool on a page, between the web's own streams, which refuse shared memory.

import { AdaptiveBufferPool, readerOf, writerOf } from '../../../dist/entries/index.js';
import { createPools, fill, wrongBytes } from '../site/memory.mjs';

const MIB = 2 ** 20;
const SEED = 3;
/** No whole number of chunks. */
const LENGTH = 5 * MIB + 123;

function patternOf(length) {
  const bytes = new Uint8Array(length);
  fill(bytes, SEED);
  return bytes;
}

function make() {
  const pools = createPools(64 * MIB);
  return { pools, pool: new AdaptiveBufferPool(pools) };
}

/** A blob goes through the browser's gzip and back. */
export async function throughStreams() {
  const { pools, pool } = make();
  const gzip = new CompressionStream('gzip');
  const copying = pool.chunkedCopyBuffer(gzip.writable, new Blob([patternOf(LENGTH)]).stream());
  const unpacked = new Uint8Array(LENGTH);
  const reading = pool.copyBuffer(
    unpacked,
    gzip.readable.pipeThrough(new DecompressionStream('gzip')),
  );
  const copied = await copying;
  await gzip.writable.close();
  const read = await reading;
  return { copied, read, wrong: wrongBytes(unpacked, SEED), live: pools.stats().slices.live };
}

/** A blob goes to a stream and to memory. */
export async function teed() {
  const { pools, pool } = make();
  const kept = new Uint8Array(LENGTH);
  const { readable, writable } = new TransformStream();
  const answer = new Response(readable).arrayBuffer();
  const tee = pool.tee(new Blob([patternOf(LENGTH)]).stream(), kept, { size: LENGTH });
  const piped = await tee.pipeTo(writerOf(writable));
  const { bytesRead, branch, error } = await tee.finished;
  return {
    piped,
    bytesRead,
    branch: branch.state,
    failed: error !== undefined,
    wrong: [wrongBytes(new Uint8Array(await answer), SEED), wrongBytes(kept, SEED)],
    live: pools.stats().slices.live,
  };
}

/** A stream that gives nothing more is left by who reads it. */
export async function left() {
  const { pools, pool } = make();
  let cancelled;
  const stuck = new ReadableStream({
    start: (controller) => controller.enqueue(patternOf(10)),
    cancel: (reason) => void (cancelled = reason.code),
  });
  const abort = new AbortController();
  const copying = pool
    .chunkedCopyBuffer(new Uint8Array(10), readerOf(stuck), undefined, { signal: abort.signal })
    .catch(({ code }) => code);
  setTimeout(() => abort.abort());
  return { code: await copying, cancelled, live: pools.stats().slices.live };
}

/** 256 MiB from memory to memory, while the page goes on. */
export async function whileThePageGoesOn() {
  const { pools, pool } = make();
  const piece = patternOf(4 * MIB);
  let pieces = 0;
  let turns = 0;
  function* source() {
    for (; pieces < 64; pieces++) yield piece;
  }
  // A timer would come every 4 ms only.
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    turns++;
    if (pieces < 64) port2.postMessage(0);
    else port1.close();
  };
  port2.postMessage(0);
  let wrong = 0;
  const sink = { write: (bytes) => void (bytes[0] === SEED || wrong++) };
  const copied = await pool.chunkedCopyBuffer(sink, source());
  return { copied, manyTurns: turns >= 10, wrong, live: pools.stats().slices.live };
}
