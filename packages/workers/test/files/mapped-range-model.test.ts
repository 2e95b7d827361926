/** Any run of views, edits, flushes and evictions does what a file in plain memory does. */
import { readFileSync } from 'node:fs';
import { createMill, type MappedPart, type MappedRange, type Mill } from '@millrace/workers';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MiB, noise } from '../content.ts';
import { fileOf } from '../temporary.ts';

const CHUNK = 4096;
const MOST = 40 * CHUNK;

let mill: Mill;

beforeAll(async () => {
  mill = await createMill({ threads: 1, memory: 8 * MiB });
});
afterAll(() => mill.close());

interface Look {
  readonly what: 'view' | 'edit';
  readonly at: number;
  readonly bytes: number;
  readonly fill: number;
  readonly held: boolean;
}

type Step = Look | 'flush' | 'evict' | 'release';

const steps: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    what: fc.constantFrom('view', 'edit'),
    at: fc.nat(MOST),
    bytes: fc.oneof(fc.nat(20), fc.nat(2 * CHUNK)),
    fill: fc.nat(255),
    held: fc.boolean(),
  }),
  fc.constantFrom('flush', 'evict', 'release'),
);

/** What the range should hold, and the parts of it that are held. */
interface Model {
  readonly path: string;
  readonly now: Uint8Array;
  readonly held: MappedPart[];
}

async function take(range: MappedRange, model: Model, step: Step): Promise<void> {
  if (step === 'flush') {
    await range.flush();
    const file = readFileSync(model.path).subarray(range.start, range.end);
    expect(Buffer.compare(file, model.now)).toBe(0);
  } else if (step === 'evict') range.evict();
  else if (step === 'release') model.held.shift()?.release();
  else {
    const start = Math.min(step.at, range.byteLength);
    const end = Math.min(start + step.bytes, range.byteLength);
    // Three parts of at most three chunks each fit the cache.
    if (model.held.length === 3) model.held.shift()!.release();
    const part = await range[step.what](start, end);
    expect(Buffer.compare(Buffer.concat([...part]), model.now.subarray(start, end))).toBe(0);
    if (step.what === 'edit') {
      for (const bytes of part) bytes.fill(step.fill);
      model.now.fill(step.fill, start, end);
    }
    if (step.held) model.held.push(part);
    else part.release();
  }
}

test.each([false, true])('with direct I/O: %s', async (direct) => {
  const cases = fc.asyncProperty(
    fc.record({
      size: fc.integer({ min: 0, max: MOST }),
      start: fc.constantFrom(0, 4096, 4096 * 2, direct ? 4096 : 77),
      end: fc.option(fc.nat(MOST), { nil: undefined }),
      cache: fc.integer({ min: 12, max: 13 }),
    }),
    fc.array(steps, { maxLength: 30 }),
    async ({ size, start, end, cache }, taken) => {
      const content = new Uint8Array(noise(size));
      const path = fileOf(content);
      fc.pre(end !== undefined || start <= size);
      const to = Math.max(start, end ?? size);
      const file = new Uint8Array(Math.max(size, to));
      file.set(content);
      const model: Model = { path, now: file.slice(start, to), held: [] };
      const range = await mill.mapFile(path, {
        start,
        ...(end !== undefined && { end: to }),
        mode: 'read-write',
        chunkBytes: CHUNK,
        cacheBytes: cache * CHUNK,
        direct,
      });
      try {
        for (const step of taken) await take(range, model, step);
        expect(range.stats().memoryBytes).toBeLessThanOrEqual(cache * CHUNK);
      } finally {
        await range.close();
        for (const part of model.held) part.release();
      }
      file.set(model.now, start);
      expect(Buffer.compare(readFileSync(path), file)).toBe(0);
      expect(mill.stats().slices.live).toBe(0);
    },
  );
  await fc.assert(cases, { numRuns: 150 });
});
