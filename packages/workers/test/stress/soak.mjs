// The soak: whatever an adaptive pool and its mill can do, for as long as one likes, under a load that rises and falls.
// Memory must stay flat, every byte must be right, and at the end nothing may be lent.
//
// The load comes in waves. Between two of them all is quiet: the pools give back all that they can, every thread collects
// its garbage, and what memory there is then is compared by linear regression. What pools have open at work would be no
// measure: the longer a load lasts, the higher was its highest moment, and pools keep what that took, up to their budget.
// To look while all is quiet is far less noisy than to sample a process at work, and so says more in less time; how much,
// the confidence of the slope tells. In the first minutes compilers and allocators still settle, which no regression can
// tell from a leak. So what is counted begins late, and a short soak allows for a little of it.

import { createMill } from '@millrace/workers';
import { crc32, gzip, sha256 } from '@millrace/workers/ops';
import { createHash, randomFillSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { crc32 as checksum } from 'node:zlib';
import { numbersFrom } from '../chance.mjs';
import { collectGarbage } from './garbage.mjs';
import { slopeOf } from './slope.mjs';

const KiB = 1024;
const MiB = 1024 * KiB;
const BUDGET = 64 * MiB;
const THREADS = 2;
/** A wave is so long, or a part of the whole soak if that is less. */
const WAVE_MS = 20_000;
const WAVES = 24;
/** So many things are under way at the height of a wave. */
const MOST_AT_ONCE = 16;
/** After this all has settled; a soak of less than twice as long counts its second half. */
const SETTLED_MS = 600_000;
/** How much memory may grow in an hour, as a part of the budget. */
const MOST_GROWTH = 0.01;
/** What a short soak may grow by in all, in bytes, as it has not settled. */
const SETTLING = { heap: MiB, pools: 16 * MiB, resident: 32 * MiB };
const FILE_BYTES = 3 * MiB + 5;

/**
 * @param {{ seconds: number, seed?: number, say?: (line: string) => void }} options
 * @returns {Promise<import('./soak.d.mts').Soak>}
 */
export async function soak({ seconds, seed = 1, say = () => {} }) {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-soak-'));
  const mill = await createMill({ threads: THREADS, memory: BUDGET });
  const { collectInEachThread } = await mill.load(new URL('garbage.mjs', import.meta.url));
  const site = newSite(mill, folder, randomFrom(seed));
  const quiet = [];
  const startedMs = performance.now();
  const endMs = startedMs + seconds * 1000;
  const waveMs = Math.min(WAVE_MS, (seconds * 1000) / WAVES);
  try {
    while (performance.now() < endMs && site.faults.length === 0) {
      await wave(site, waveMs);
      quiet.push({
        atMs: performance.now() - startedMs,
        ...(await quietFigures(site, collectInEachThread)),
      });
      const { heapBytes, openBytes, rssBytes } = quiet.at(-1);
      say(
        `${Math.round((performance.now() - startedMs) / 1000)} s: ${site.total.toLocaleString('en')} operations; ${mb(heapBytes)} on the heap and beside it, ${mb(openBytes)} open in the pools, ${mb(rssBytes)} resident`,
      );
    }
  } finally {
    await mill.close();
    rmSync(folder, { recursive: true, force: true });
  }
  const { live } = mill.stats().slices;
  const { activeBuffers } = site.pool.stats();
  const fromMs = Math.min(SETTLED_MS, (seconds * 1000) / 2);
  const counted = quiet.filter(({ atMs }) => atMs >= fromMs);
  const growth = {
    heap: growthOf(counted, ({ heapBytes }) => heapBytes),
    pools: growthOf(counted, ({ openBytes }) => openBytes),
    resident: growthOf(counted, ({ rssBytes }) => rssBytes),
  };
  const countedHours = (seconds - fromMs / 1000) / 3600;
  for (const [what, { partAnHour, confidence }] of Object.entries(growth)) {
    const settling = fromMs < SETTLED_MS ? SETTLING[what] / BUDGET / countedHours : 0;
    if (!(partAnHour - confidence > MOST_GROWTH && partAnHour > settling)) continue;
    site.faults.push(`Memory grows, ${what}: by ${percent(partAnHour)} of the budget in an hour`);
  }
  return {
    operations: site.total,
    counts: site.counts,
    live,
    activeBuffers,
    growth,
    faults: site.faults,
  };
}

/** As many things at once as the wave is high; it ends when all are done. */
async function wave(site, waveMs) {
  const startedMs = performance.now();
  const height = () => {
    const part = (performance.now() - startedMs) / waveMs;
    return part >= 1 ? 0 : Math.max(1, Math.round(MOST_AT_ONCE * Math.sin(Math.PI * part)));
  };
  const worker = async (place) => {
    for (let high = height(); high > 0 && site.faults.length === 0; high = height()) {
      if (place < high) await one(site);
      // The file system and timers have their turn, whatever was done.
      else await sleep(5);
      await turn();
    }
  };
  await Promise.all(Array.from({ length: MOST_AT_ONCE }, (_, place) => worker(place)));
}

async function one(site) {
  const [name, operation] = site.random.of(OPERATIONS);
  try {
    await operation(site);
  } catch (error) {
    site.faults.push(`${name}: ${error.stack}`);
  }
  site.counts[name]++;
  site.total++;
}

/** Each of them checks what it gets. @type {[string, (site: any) => Promise<void>][]} */
const OPERATIONS = Object.entries({
  async acquire({ pool, random }) {
    const buffer = pool.acquire(random.size());
    await fillAndCheck(buffer, random);
  },

  async acquireAsync({ pool, random }) {
    const buffer = await pool.acquireAsync(random.size(), { timeoutMs: 1000 });
    await fillAndCheck(buffer, random);
  },

  async copy({ pool, random, bytesOf }) {
    const bytes = bytesOf(random.size());
    const sink = checksumSink(random.chance(0.5));
    const declared = random.of([bytes.length, undefined, bytes.length + 1]);
    const copied = await pool.copyBuffer(sink, readerOf(bytes, random), declared, {
      strategy: random.of(STRATEGIES),
    });
    expectBytes(copied, bytes.length);
    sink.expect(bytes);
  },

  async tee({ pool, random, bytesOf }) {
    const bytes = bytesOf(random.size());
    const [consumer, branch] = [checksumSink(random.chance(0.5)), checksumSink(true)];
    const tee = pool.tee(readerOf(bytes, random), branch, { strategy: random.of(STRATEGIES) });
    expectBytes(await tee.pipeTo(consumer), bytes.length);
    const report = await tee.finished;
    if (report.branch.state !== 'closed') throw new Error(`The branch is ${report.branch.state}`);
    consumer.expect(bytes);
    branch.expect(bytes);
  },

  async leaveTee({ pool, random, bytesOf }) {
    const bytes = bytesOf(random.size());
    const tee = pool.tee(readerOf(bytes, random), checksumSink(true), { size: bytes.length });
    for await (const chunk of tee) if (chunk.length > 0) break;
    await tee.finished;
  },

  async failTee({ pool, random, bytesOf }) {
    const bytes = bytesOf(random.size());
    const consumer = checksumSink(true);
    const branch = {
      write() {
        throw new Error('The disk is full');
      },
    };
    const tee = pool.tee(readerOf(bytes, random), branch, { size: bytes.length });
    expectBytes(await tee.pipeTo(consumer), bytes.length);
    const report = await tee.finished;
    if (report.branch.state !== 'dropped') throw new Error(`The branch is ${report.branch.state}`);
    consumer.expect(bytes);
  },

  async run({ mill, random, bytesOf }) {
    const bytes = bytesOf(random.size());
    const digest = await mill.run(sha256, bytes);
    const wanted = createHash('sha256').update(bytes).digest();
    if (Buffer.compare(Buffer.from(digest), wanted) !== 0) throw new Error('The digest is wrong');
  },

  async runOnSlice({ mill, pool, random }) {
    const buffer = pool.acquire(1 + random.below(256 * KiB));
    buffer.bytes.fill(random.below(256));
    const wanted = checksum(buffer.bytes);
    const { slice } = buffer;
    const got = await mill.run(crc32, slice ?? buffer.bytes);
    buffer.release();
    if (got !== wanted) throw new Error(`The checksum is ${got} in place of ${wanted}`);
  },

  async pump({ mill, file, fileChecksum }) {
    const { value } = await mill.pump({ from: file, op: crc32 });
    if (value !== fileChecksum) throw new Error(`The checksum of the file is ${value}`);
  },

  async pumpToFile({ mill, random, file, folder }) {
    const to = join(folder, `${random.below(4)}.gz`);
    const { bytesIn } = await mill.pump({ from: file, op: gzip, params: { level: 1 }, to });
    expectBytes(bytesIn, FILE_BYTES);
  },
});

const STRATEGIES = ['adaptive', 'pooled', 'chunked', 'direct'];

/** What the operations work with. */
function newSite(mill, folder, random) {
  const source = randomFillSync(new Uint8Array(4 * MiB));
  const file = join(folder, 'file');
  const bytes = source.subarray(0, FILE_BYTES);
  writeFileSync(file, bytes);
  return {
    mill,
    pool: mill.adaptive,
    random,
    folder,
    file,
    fileChecksum: checksum(bytes),
    /** So many bytes of what is there anyway: the operations are to take memory, and not their checks. */
    bytesOf: (size) => source.subarray(0, size),
    counts: Object.fromEntries(OPERATIONS.map(([name]) => [name, 0])),
    total: 0,
    /** @type {string[]} */
    faults: [],
  };
}

/** Memory when nothing is under way. */
async function quietFigures(site, collectInEachThread) {
  const { live } = site.mill.stats().slices;
  if (live !== 0) site.faults.push(`${live} slices are lent while all is quiet`);
  const { buffers } = site.mill;
  buffers.flush();
  buffers.shrink({ shrinkThreshold: 0 });
  buffers.dropArenas();
  // What finalizers and closed files hold is let go in the turns between.
  for (let time = 0; time < 3; time++) {
    collectGarbage();
    await sleep(20);
  }
  const come = new Int32Array(new SharedArrayBuffer(4));
  const calls = Array.from({ length: THREADS }, () =>
    site.mill.call(collectInEachThread, [come, THREADS]),
  );
  await Promise.all(calls);
  const { openBytes } = buffers.stats();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heapBytes: heapUsed + external, openBytes, rssBytes: rss };
}

/** What memory does in an hour, as a part of the budget. */
function growthOf(figures, bytesOf) {
  const points = figures.map((figure) => ({
    x: figure.atMs / 3_600_000,
    y: bytesOf(figure) / BUDGET,
  }));
  const { slope, confidence } = slopeOf(points);
  return { partAnHour: slope, confidence, samples: points.length };
}

async function fillAndCheck(buffer, random) {
  const { bytes } = buffer;
  const value = random.below(256);
  bytes.fill(value);
  for (let turns = random.below(3); turns > 0; turns--) await turn();
  const wrong = bytes.findIndex((byte) => byte !== value);
  buffer.release();
  if (wrong >= 0) throw new Error(`Byte ${wrong} of ${bytes.length} was written by somebody else`);
}

/** Reads so many bytes at a time as chance has it; at once, or not. */
function readerOf(bytes, random) {
  const waits = random.chance(0.5);
  let at = 0;
  return {
    read(into) {
      const most = random.chance(0.5) ? into.length : 1 + random.below(into.length);
      const count = Math.min(most, bytes.length - at);
      into.set(bytes.subarray(at, at + count));
      at += count;
      return waits ? turn().then(() => count) : count;
    },
    cancel() {},
  };
}

/** Adds up what comes; at once, or in a later turn. */
function checksumSink(waits) {
  let sum = 0;
  return {
    write(bytes) {
      if (!waits) {
        sum = checksum(bytes, sum);
        return undefined;
      }
      return turn().then(() => void (sum = checksum(bytes, sum)));
    },
    close() {},
    abort() {},
    expect(bytes) {
      const wanted = checksum(bytes);
      if (sum !== wanted) throw new Error(`${bytes.length} bytes came as others`);
    },
  };
}

function expectBytes(got, wanted) {
  if (got !== wanted) throw new Error(`${got} bytes came in place of ${wanted}`);
}

/** What happens by chance, the same with the same seed. */
function randomFrom(seed) {
  const number = numbersFrom(seed);
  const next = () => number() / 2 ** 32;
  const below = (bound) => Math.floor(next() * bound);
  return {
    below,
    chance: (part) => next() < part,
    of: (values) => values[below(values.length)],
    /** From one byte to 4 MiB: of each magnitude as many. */
    size: () => Math.max(1, Math.floor(2 ** (next() * 22))),
  };
}

const mb = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

/** @param {number} part */
export const percent = (part) => `${(part * 100).toFixed(2)} %`;
