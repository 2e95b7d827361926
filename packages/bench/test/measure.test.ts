import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { Allocations } from '../dist/measure/allocations.js';
import { collectGarbage } from '../src/measure/collect-garbage.ts';
import { verifyGzip } from '../src/measure/compare.ts';
import { withGarbage } from '../src/measure/garbage.ts';
import { linePlot } from '../src/measure/line-plot.ts';
import { withOwnTime } from '../src/measure/own-time.ts';
import { inRounds } from '../src/measure/rounds.ts';
import { shuffled } from '../src/measure/shuffle.ts';
import { median, quantile, ratiosOf, spreadOf } from '../src/measure/statistics.ts';
import {
  bytesText,
  count,
  digits,
  duration,
  quantity,
  sizeText,
  table,
} from '../src/measure/text.ts';
import { gzipOnLibuv } from '../src/peers/gzip-on-libuv.ts';
import { ComparingSink, MemoryObject } from '../src/peers/object-ends.ts';

describe('what objects cost', () => {
  test('collections are counted while the work is done, and neither before nor after', async () => {
    collectGarbage();
    const { result, garbage } = await withGarbage(() => {
      collectGarbage();
      return 'done';
    });
    collectGarbage();
    expect(result).toBe('done');
    expect(garbage.count).toBe(1);
    expect(garbage.pauseMs).toBeGreaterThan(0);
  });

  test('own time is no longer than the time by the clock', async () => {
    const startedAt = performance.now();
    const { result, elapsedNs } = await withOwnTime(async () => {
      let rounds = 0;
      while (performance.now() - startedAt < 50) rounds++;
      return rounds;
    });
    expect(result).toBeGreaterThan(0);
    expect(elapsedNs).toBeGreaterThan(0);
    expect(elapsedNs).toBeLessThanOrEqual((performance.now() - startedAt) * 1e6);
  });

  test('a fresh buffer is allocated whole, and one of a pool is not', async () => {
    await using allocations = new Allocations();
    const size = 256 * 1024;
    const whole = await allocations.of({ kind: 'copy', by: 'whole', size });
    expect(whole).toBeGreaterThan(size);
    expect(whole).toBeLessThan(size + 4096);
    const pooled = await allocations.of({ kind: 'copy', by: 'pooled', size });
    expect(pooled).toBeLessThan(size / 4);
  });

  test('a byte that is wrong, and one that is missing, are found', () => {
    const sink = new ComparingSink();
    const bytes = new Uint8Array(100);
    const object = new MemoryObject().begin(100);
    expect(object.read(bytes)).toBe(100);
    expect(object.read(bytes)).toBe(0);
    sink.write(bytes);
    expect(() => sink.next(101)).toThrow('100 bytes came in place of 101');
    sink.next(100);
    bytes[50]! ^= 1;
    expect(() => sink.write(bytes)).toThrow('A byte is wrong between 0 and 100');
  });

  test('a shuffle keeps all values, and has an order for each seed', () => {
    const values = Array.from({ length: 100 }, (_, i) => i);
    const order = shuffled(values, 1);
    expect(order).not.toEqual(values);
    expect(shuffled(values, 1)).toEqual(order);
    expect(shuffled(values, 2)).not.toEqual(order);
    expect([...order].sort((a, b) => a - b)).toEqual(values);
  });
});

describe('medians and ratios', () => {
  test('the median is the middle value, or the mean of the two in the middle', () => {
    expect(median([10, 9, 100])).toBe(10);
    expect(median([4, 1, 2, 100])).toBe(3);
    expect(median([7])).toBe(7);
    expect(() => median([])).toThrow(RangeError);
  });

  test('a quantile is the least value that the given share does not exceed', () => {
    const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
    expect(quantile(hundred, 0.99)).toBe(99);
    expect(quantile(hundred, 0.5)).toBe(50);
    expect(quantile(hundred, 1)).toBe(100);
    expect(quantile([7], 0.99)).toBe(7);
    expect(hundred[0]).toBe(100);
    expect(() => quantile([], 0.5)).toThrow(RangeError);
  });

  test('a spread holds the median and both ends, and leaves the values in their order', () => {
    const values = [3, 1, 2];
    expect(spreadOf(values)).toEqual({ median: 2, min: 1, max: 3, rounds: 3 });
    expect(values).toEqual([3, 1, 2]);
  });

  test('ratios are taken within each round', () => {
    expect(ratiosOf([4, 30], [2, 10])).toEqual([2, 3]);
    expect(() => ratiosOf([1, 2], [1])).toThrow(/got 2 and 1/);
  });
});

describe('rounds', () => {
  test('every round runs all contenders, every other one backwards, and the warm-up is not counted', async () => {
    const order: string[] = [];
    const contender = (name: string) => ({
      name,
      run: () => Promise.resolve(order.push(name)),
    });
    const contenders = ['a', 'b'].map(contender);
    const said: string[] = [];
    const say = (line: string): void => void said.push(line);
    const measured = await inRounds(contenders, { rounds: 2, warmUp: true, say });
    expect(order.join('')).toBe('baabba');
    expect(said.slice(0, 3)).toEqual(['warm-up: b', 'warm-up: a', 'round 1 of 2: a']);
    expect(measured.of('a')).toEqual([3, 6]);
    expect(measured.each('b', (place) => -place)).toEqual([-4, -5]);
    expect(() => measured.of('c')).toThrow(/"c"/);
  });
});

describe('text', () => {
  test('numbers keep about three digits', () => {
    const numbers = [0, 0.01234, 1.234, 9.996, 12.34, 99.96, 1234.5];
    expect(numbers.map(digits)).toEqual(['0.00', '0.012', '1.23', '10.0', '12.3', '100', '1,235']);
  });

  test('ratios are written close to their sign, other quantities with their unit', () => {
    expect(quantity(2.5, '×')).toBe('2.50×');
    expect(quantity(2.5, 'MB')).toBe('2.50 MB');
    expect(bytesText(98_932_688)).toBe('98.9 MB');
    expect(bytesText(512)).toBe('0.51 kB');
    expect([4096, 2 ** 20, 2 ** 32].map(sizeText)).toEqual(['4 KiB', '1 MiB', '4 GiB']);
    expect(count(1684)).toBe('1,684');
    expect(duration(999)).toBe('999 ms');
    expect(duration(2345)).toBe('2.35 s');
  });

  test('columns are as wide as their widest cell', () => {
    expect(table([['a', '1'], [], ['long', '1000']])).toEqual(['a         1', '', 'long   1000']);
  });
});

describe('plots', () => {
  const lines = [{ name: 'up', color: 'red', values: [0, 1, 2] }];
  const svg = linePlot('A & B', [{ title: 'rate', lines }], 1000, [{ atMs: 2000, text: 'a < b' }]);
  const points = /points="([^"]*)"/
    .exec(svg)![1]!
    .split(' ')
    .map((at) => at.split(',').map(Number));
  const x = points.map((point) => point[0]!);
  const y = points.map((point) => point[1]!);

  test('a line goes through its values, one a step', () => {
    expect(points).toHaveLength(3);
    expect(x[1]! - x[0]!).toBeGreaterThan(0);
    expect(x[2]! - x[1]!).toBeCloseTo(x[1]! - x[0]!);
    expect(y[1]! - y[0]!).toBeLessThan(0);
    expect(y[2]! - y[1]!).toBeCloseTo(y[1]! - y[0]!);
  });

  test('a mark is at its time, and texts are text', () => {
    expect(Number(/<line x1="([\d.]+)"[^>]*stroke-dasharray/.exec(svg)![1])).toBeCloseTo(x[1]!);
    expect(svg).toContain('A &amp; B');
    expect(svg).toContain('a &lt; b');
  });
});

describe('verification', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bench-test-'));
  const original = join(folder, 'original');
  const compressed = join(folder, 'compressed.gz');
  const content = Buffer.from(
    Array.from({ length: 700_000 }, (_, i) => (i * i) >> (i % 7)).map((n) => n & 255),
  );
  writeFileSync(original, content);
  afterAll(() => rmSync(folder, { recursive: true }));

  test('what gunzips to the original is accepted', async () => {
    writeFileSync(compressed, gzipSync(content));
    await expect(verifyGzip(compressed, original)).resolves.toBeUndefined();
  });

  test('the output of blocks deflated on libuv is accepted', async () => {
    await gzipOnLibuv(original, compressed, { level: 6, inFlight: 4 });
    await expect(verifyGzip(compressed, original)).resolves.toBeUndefined();
  });

  test('one byte that differs, one too few and one too many are found', async () => {
    const changed = Buffer.from(content);
    changed[500_000]! ^= 1;
    const wrong = [changed, content.subarray(0, -1), Buffer.concat([content, Buffer.of(0)])];
    for (const bytes of wrong) {
      writeFileSync(compressed, gzipSync(bytes));
      await expect(verifyGzip(compressed, original)).rejects.toThrow(/byte/);
    }
  });

  test('a file that was cut short is found', async () => {
    const whole = gzipSync(content);
    writeFileSync(compressed, whole);
    truncateSync(compressed, whole.length - 20);
    await expect(verifyGzip(compressed, original)).rejects.toThrow(/unexpected end/);
  });
});
