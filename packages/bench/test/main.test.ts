import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { start } from './programs.js';

test('an unknown question ends with 1, and those that are known are named', async () => {
  const { code, stdout, stderr } = await start('main.js', ['no-such-question']).ended;
  expect(code).toBe(1);
  expect(stdout).toBe('');
  expect(stderr).toContain('"no-such-question"');
  const files = readdirSync(new URL('../src/questions', import.meta.url));
  const named = /the questions are (.*)/.exec(stderr)?.[1]?.split(', ') ?? [];
  expect(named.toSorted()).toEqual(files.map((file) => basename(file, '.ts')).toSorted());
});

test('a number of rounds that makes no sense ends with 1', async () => {
  const { code, stderr } = await start('main.js', ['idle', '--rounds', '0']).ended;
  expect(code).toBe(1);
  expect(stderr).toContain('Cannot run 0 rounds');
});

test('a question prints its ratios first, and keeps its values in a file', async () => {
  const { code, stdout, stderr } = await start('main.js', ['small-task', '--quick']).ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('round 1 of 1') });
  expect(stdout.indexOf('piscina / millrace')).toBeGreaterThan(0);
  expect(stdout.indexOf('piscina / millrace')).toBeLessThan(stdout.indexOf('figure'));

  const path = resolve(/Kept in (.*\.json)/.exec(stdout)?.[1] ?? 'nowhere');
  const kept = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  rmSync(path);
  expect(kept).toMatchObject({
    question: 'small-task',
    quick: true,
    machine: { node: process.version, cores: expect.any(Number), cpu: expect.any(String) },
    date: expect.stringMatching(/^\d{4}-/),
  });
  expect(kept['ratios']).toContainEqual({
    what: '100 in flight, piscina / millrace',
    unit: '×',
    aim: '≥ 15×',
    rounds: 1,
    values: [expect.any(Number)],
    median: expect.any(Number),
    min: expect.any(Number),
    max: expect.any(Number),
  });
});

test.each([
  [
    'adaptive',
    [
      'Copies by strategy',
      '256 KiB, pooled',
      'Tees by size',
      'copy of 256 KiB, time: pooled / unpooled',
      'tee, GC pauses under load: adaptive / unpooled',
    ],
  ],
  ['managed-buffer', ['buffer / slice', 'buffer, with all events told / slice']],
  ['optimiser', ['hit rate, tuned', 'mean memory, tuned / by hand', 'optimiser-quick.svg']],
  ['object-cache', ['misses, requests a second: adaptive / plain', 'hits, p99: adaptive / plain']],
  [
    'round-trip',
    ['postMessage, copied / mill.run in place, 256 KiB', 'slowest size / fastest size'],
  ],
  [
    'kernel',
    ['standardise, JavaScript / standardise, kernel on the slice, 1 MiB', 'copied 0 bytes'],
  ],
  [
    'start-up',
    [
      'first result, millrace / piscina',
      'exit after the last result, millrace',
      'import, millrace / piscina',
    ],
  ],
  ['idle', ['idle mill, 2 threads / one core']],
  ['monitor', ['monitor off / no monitor', 'one use in 64 / no monitor', 'every use / no monitor']],
  [
    'mixed-load',
    [
      'small tasks, p99: beside a large object / alone, by default',
      'small tasks, p99: beside a large object / alone, nice: 10',
      'as counted by their op; the cap was 2',
    ],
  ],
])('%s answers, if only quickly', async (name, rows) => {
  const { code, stdout, stderr } = await start('main.js', [name, '--quick']).ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('round 1 of 1') });
  for (const row of rows) expect(stdout).toContain(row);
  rmSync(resolve(/Kept in (.*\.json)/.exec(stdout)?.[1] ?? 'nowhere'));
});
