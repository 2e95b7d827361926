import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BUFFER_CLASSES, BUFFER_EVENT_TYPES, type BufferEvent } from '@millrace/core';
import { TraceRecorder, readTrace, traceEventOf } from '@millrace/observe';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

let dir: string;
let files = 0;
const newPath = (): string => join(dir, `${++files}.trace`);

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'millrace-trace-'));
});
afterAll(() => rm(dir, { recursive: true }));

const EVENT: BufferEvent = {
  eventType: 'retrieved',
  bufferId: 7,
  size: 4000,
  class: 'small',
  timestamp: 1_700_000_000_000.125,
  durationMs: 0.003,
  success: true,
};
const HEADER = '{"format":"millrace-buffer-trace","version":1}\n';

async function recorded(events: Iterable<BufferEvent>): Promise<string> {
  const path = newPath();
  const recorder = await TraceRecorder.open(path);
  for (const event of events) recorder.collectEvent(event);
  await recorder.close();
  return path;
}

const anyEvent: fc.Arbitrary<BufferEvent & { weight: number }> = fc.record({
  eventType: fc.constantFrom(...BUFFER_EVENT_TYPES),
  bufferId: fc.nat(),
  size: fc.nat(),
  class: fc.constantFrom(...BUFFER_CLASSES),
  timestamp: fc.double({ min: 0, max: 2 ** 41, noNaN: true }),
  durationMs: fc.double({ min: 0, max: 1e6, noNaN: true }),
  success: fc.boolean(),
  weight: fc.constantFrom(1, 64),
  metadata: fc.oneof(
    fc.constant(undefined),
    fc.string().map((tag) => new Map<string, unknown>([['tag', tag]])),
  ),
});

describe('a trace file', () => {
  test('gives back every event as it was told, whatever it was', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyEvent, { maxLength: 30 }), async (events) => {
        expect(await readTrace(await recorded(events))).toEqual(events.map(traceEventOf));
      }),
      { numRuns: 50 },
    );
  });

  test('is lines that can be read with the eye', async () => {
    const tagged = { ...EVENT, success: false, metadata: new Map([['tag', 'upload']]) };
    expect(await readFile(await recorded([EVENT, tagged]), 'utf8')).toBe(
      `${HEADER}[1700000000000.125,"retrieved",7,"small",4000,0.003]\n` +
        '[1700000000000.125,"retrieved",7,"small",4000,0.003,"upload",true]\n',
    );
  });

  test('holds no tag that is no string', () => {
    expect(traceEventOf({ ...EVENT, metadata: new Map([['tag', 5]]) })).not.toHaveProperty('tag');
  });

  test('leaves out a last line that breaks off, and only that', async () => {
    const path = await recorded([EVENT, EVENT]);
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.slice(0, -5));
    expect(await readTrace(path)).toEqual([traceEventOf(EVENT)]);
    await writeFile(path, HEADER);
    expect(await readTrace(path)).toEqual([]);
  });

  test.each([
    ['an empty file', '', 'first line'],
    ['something else', 'hello\nworld\n', 'first line'],
    ['a later version', HEADER.replace('1', '2'), 'version 2'],
    ['a line that is no event', `${HEADER}[1,"retrieved",1,"small"]\n`, 'line 2'],
    ['a type that is none', `${HEADER}[1,"eaten",1,"small",1]\n`, 'line 2'],
    ['a class that is none', `${HEADER}[1,"retrieved",1,"tiny",1]\n`, 'line 2'],
    ['a line that is no JSON', `${HEADER}[1,"retrieved",1,"small",1]\nabc\n`, 'line 3'],
  ])('that is %s is refused', async (_, text, words) => {
    const path = newPath();
    await writeFile(path, text);
    await expect(readTrace(path)).rejects.toMatchObject({
      code: 'ERR_INPUT_FORMAT',
      message: expect.stringContaining(words),
    });
  });

  test('that is not there is told of', async () => {
    await expect(readTrace(newPath())).rejects.toMatchObject({ code: 'ERR_READ' });
    await expect(TraceRecorder.open(join(dir, 'no', 'where'))).rejects.toMatchObject({
      code: 'ERR_WRITE',
    });
  });
});

describe('a trace recorder', () => {
  test('drops what finds no room, and counts it: seen = recorded + dropped', async () => {
    const path = newPath();
    const recorder = await TraceRecorder.open(path, { maxBacklogBytes: 1 });
    // The first batch fills the backlog, since nothing is written within this turn.
    for (let i = 0; i < 5000; i++) recorder.collectEvent(EVENT);
    const { seen, recorded: kept, dropped } = recorder.metrics();
    expect(seen).toBe(5000);
    expect(dropped).toBeGreaterThan(0);
    expect(kept + dropped).toBe(seen);
    await recorder.close();
    expect(await readTrace(path)).toHaveLength(kept);
  });

  test('drops what comes after its end', async () => {
    const path = newPath();
    const recorder = await TraceRecorder.open(path);
    recorder.collectEvent(EVENT);
    await recorder.close();
    recorder.collectEvent(EVENT);
    expect(recorder.metrics()).toEqual({ seen: 2, recorded: 1, dropped: 1 });
    await recorder.close();
    expect(await readTrace(path)).toHaveLength(1);
  });

  test('counts from 0 after a reset, and goes on with the file', async () => {
    const path = newPath();
    {
      await using recorder = await TraceRecorder.open(path);
      recorder.collectEvent(EVENT);
      recorder.reset();
      expect(recorder.metrics()).toEqual({ seen: 0, recorded: 0, dropped: 0 });
      recorder.collectEvent(EVENT);
      expect(recorder.recorded).toBe(1);
    }
    expect(await readTrace(path)).toHaveLength(2);
  });

  test('says so when the file cannot be written', async () => {
    const recorder = await TraceRecorder.open('/dev/full');
    recorder.collectEvent(EVENT);
    await expect(recorder.close()).rejects.toMatchObject({ code: 'ERR_WRITE' });
    expect(recorder.metrics()).toEqual({ seen: 1, recorded: 0, dropped: 1 });
  });

  test('counts what could not be written where it was counted before', async () => {
    const recorder = await TraceRecorder.open('/dev/full');
    recorder.collectEvent(EVENT);
    recorder.reset();
    recorder.collectEvent(EVENT);
    await expect(recorder.close()).rejects.toMatchObject({ code: 'ERR_WRITE' });
    expect(recorder.metrics()).toEqual({ seen: 1, recorded: 0, dropped: 1 });
  });

  test.each([0, -1, Number.NaN])('refuses a backlog of %s', async (maxBacklogBytes) => {
    await expect(TraceRecorder.open(newPath(), { maxBacklogBytes })).rejects.toMatchObject({
      code: 'ERR_INVALID_ARG',
    });
  });
});
