/** Threads that are ended between any two instructions, and those that must go on without them. */
import { BroadcastRing, ByteRing, MessageRing, type ThreadId } from '@millrace/core';
import { describe, expect, test } from 'vitest';
import { kill, sharedWords, start, until } from './rings-threads.ts';

const MAIN = 127 as ThreadId;
const VICTIM = 5 as ThreadId;

/** How far a victim may get before it is killed: ascending, so that no two deaths are alike. */
function momentOf(kills: number): number {
  return 1 + ((kills * 7919) % 20_000);
}

describe('A message ring', () => {
  const shape = { cells: 256, messageWords: 64 };
  const batch = 64;
  const stride = 31;
  const KILLS = 20;
  const MOST_KILLS = 200;
  /** Higher numbers begin anew in `seen`: how many are sent depends on how fast threads start and end. */
  const numbers = 2 ** 15;
  const total = 2 ** 31 - 1;

  /** How often `number` and those that count as it are among the first `sent`. */
  function timesOf(number: number, sent: number): number {
    return Math.max(0, Math.ceil((sent - number) / numbers));
  }

  /** How many messages the surviving producer may send; below zero it stops. */
  function allow(quota: Int32Array, count: number): void {
    Atomics.store(quota, 0, count);
    Atomics.notify(quota, 0);
  }

  async function endAll(ring: MessageRing): Promise<void> {
    while (!ring.push(Int32Array.of(-1))) await ring.waitForRoom();
  }

  test('goes on without producers that are killed, and loses only the push that each was at', async () => {
    const words = sharedWords(MessageRing.words(shape));
    const ring = new MessageRing(words, 0, shape, MAIN);
    const seen = sharedWords((MOST_KILLS + 1) * numbers);
    const [quota, popped] = [sharedWords(1), sharedWords(1)];
    const endless = { words, shape, total, batch, stride };
    const consumer = start<{ broken: number; disorder: number }>('pop', {
      ...endless,
      thread: 1,
      seen,
      numbers,
      popped,
    });
    const survivor = start<number>('push', { ...endless, thread: 2, producer: 0, quota });
    let kills = 0;
    // Each death at another instruction; at least one of them within a push.
    while (kills < KILLS || (ring.stats().voided === 0 && kills < MOST_KILLS)) {
      kills++;
      const pushed = sharedWords(1);
      const victim = start('push', { ...endless, thread: VICTIM, producer: kills, pushed });
      await until(() => Atomics.load(pushed, 0) >= momentOf(kills));
      await kill(victim);
      ring.reclaim(VICTIM);
      // Nobody is stalled: what the survivor sends from now on arrives.
      const before = Atomics.load(popped, 0);
      allow(quota, kills * 400);
      await until(() => Atomics.load(popped, 0) > before && ring.stats().published === 0);
    }
    allow(quota, -1);
    const sent = await survivor.result;
    await endAll(ring);
    expect(await consumer.result).toMatchObject({ broken: 0, disorder: 0 });

    expect(ring.stats()).toMatchObject({ free: 256, orphaned: 0 });
    expect(ring.stats().voided).toBeGreaterThan(0);
    for (let producer = 0; producer <= kills; producer++) {
      // Of a victim, all pushes before the last arrived, each message once.
      const counts = seen.subarray(producer * numbers, (producer + 1) * numbers);
      const arrived = counts.reduce((sum, count) => sum + count, 0);
      if (producer === 0) expect(arrived).toBe(sent);
      else expect(arrived).toBeGreaterThanOrEqual(momentOf(producer));
      expect(counts.findIndex((count, number) => count !== timesOf(number, arrived))).toBe(-1);
    }
  });

  test('goes on without consumers that are killed, and hands over the pop that each was at', async () => {
    const words = sharedWords(MessageRing.words(shape));
    const ring = new MessageRing(words, 0, shape, MAIN);
    const seen = sharedWords(numbers);
    const quota = sharedWords(1);
    const common = { words, shape, batch, stride };
    const producer = start<number>('push', { ...common, thread: 2, producer: 0, total, quota });
    const popping = { ...common, seen, numbers };
    const survivor = start<{ broken: number; disorder: number }>('pop', { ...popping, thread: 1 });
    let kills = 0;
    let orphans = 0;
    while (kills < KILLS || (orphans === 0 && kills < MOST_KILLS)) {
      kills++;
      const popped = sharedWords(1);
      const victim = start('pop', { ...popping, thread: VICTIM, popped });
      await until(() => {
        // The survivor may take it all: then there must be more for the victim.
        const { published, tail: sent } = ring.stats();
        if (published === 0) allow(quota, sent + 5000);
        return Atomics.load(popped, 0) >= momentOf(kills) % 2000;
      });
      await kill(victim);
      ring.reclaim(VICTIM, (message) => {
        orphans++;
        Atomics.add(seen, message[1]! % numbers, 1);
      });
    }
    allow(quota, -1);
    const sent = await producer.result;
    await endAll(ring);
    expect(await survivor.result).toMatchObject({ broken: 0, disorder: 0 });

    expect(orphans).toBeGreaterThan(0);
    expect(ring.stats()).toMatchObject({ free: 256, voided: 0, orphaned: orphans });
    expect(seen.findIndex((count, number) => count > timesOf(number, sent))).toBe(-1);
    // What a victim had popped and not yet marked went with it, and nothing else did.
    const lost = sent - seen.reduce((sum, count) => sum + count, 0);
    expect(lost).toBeLessThanOrEqual(kills * batch);
  });
});

describe('A byte ring', () => {
  const KILLS = 8;
  const POSITIONS = 2 ** 31;
  const from = POSITIONS - 50_000;

  test('goes on with the next writer where the killed one had published', async () => {
    const ring = ByteRing.create(4096);
    ring.reset(from);
    const shared = { words: ring.words, bytes: ring.bytes, largest: 1000 };
    const progress = sharedWords(1);
    const reading = start<{ count: number; wrong: number }>('readBytes', {
      ...shared,
      progress,
      seed: 3,
    });
    for (let kills = 1; kills <= KILLS; kills++) {
      const before = Atomics.load(progress, 0);
      const victim = start('writeBytes', {
        ...shared,
        seed: kills,
        until: (from + 2 ** 30) % POSITIONS,
      });
      await until(() => Atomics.load(progress, 0) - before >= momentOf(kills));
      await kill(victim);
    }
    const total = ((ring.stats().tail - from + POSITIONS) % POSITIONS) + 10_000;
    await start('writeBytes', { ...shared, seed: 99, until: (from + total) % POSITIONS }).result;
    expect(await reading.result).toMatchObject({ count: total, wrong: 0 });
  });

  test('goes on with the next reader where the killed one had freed', async () => {
    const ring = ByteRing.create(4096);
    ring.reset(from);
    const shared = { words: ring.words, bytes: ring.bytes, largest: 1000 };
    const total = 40_000_000;
    const writing = start('writeBytes', { ...shared, seed: 3, until: (from + total) % POSITIONS });
    for (let kills = 1; kills <= KILLS; kills++) {
      const progress = sharedWords(1);
      const victim = start('readBytes', { ...shared, seed: kills, progress });
      await until(() => Atomics.load(progress, 0) >= momentOf(kills));
      await kill(victim);
    }
    const left = total - ((ring.stats().head - from + POSITIONS) % POSITIONS);
    const { count, wrong } = await start<{ count: number; wrong: number }>('readBytes', {
      ...shared,
      seed: 99,
    }).result;
    await writing.result;
    expect([count, wrong]).toEqual([left, 0]);
  });

  test('tells a reader that sleeps of a writer that was killed', async () => {
    const ring = ByteRing.create(4096);
    const shared = { words: ring.words, bytes: ring.bytes, largest: 1000 };
    const progress = sharedWords(1);
    const reading = start<{ aborted: boolean }>('readBytes', { ...shared, seed: 3, progress });
    const victim = start('writeBytes', { ...shared, seed: 1, until: POSITIONS - 1 });
    await until(() => Atomics.load(progress, 0) > 0);
    await kill(victim);
    ring.bury('writer');
    expect(await reading.result).toMatchObject({ aborted: true, wrong: 0 });
  });
});

describe('A broadcast ring', () => {
  test('goes on with the next writer, and its reader accounts for every message', async () => {
    const shape = { cells: 16, messageWords: 256 };
    const words = sharedWords(BroadcastRing.words(shape));
    const ring = new BroadcastRing(words, 0, shape);
    const ready = sharedWords(1);
    const total = 200_000;
    const listening = start<{ read: number; missed: number; torn: number; misplaced: number }>(
      'listen',
      { words, shape, ready, from: 0, until: total, lag: 0 },
    );
    await until(() => Atomics.load(ready, 0) === 1);
    const writer = { words, shape, until: total, largest: 8 };
    for (let kills = 1; kills <= 8; kills++) {
      const before = ring.stats().written;
      const victim = start('broadcast', { ...writer, seed: kills });
      await until(() => ring.stats().written >= Math.min(total, before + (momentOf(kills) % 5000)));
      await kill(victim);
    }
    await start('broadcast', { ...writer, seed: 99 }).result;
    const { read, missed, torn, misplaced } = await listening.result;
    expect([torn, misplaced, read + missed]).toEqual([0, 0, total]);
  });
});
