/** When the owner of a lane looks for results: turn by turn, within a turn, or when it is told. */
import { DISPATCH_WORDS, MILL_LANE, laneOf } from '@millrace/workers/internal';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LaneSignal } from '../dist/dispatch/lane-signal.js';
import { REST } from '../dist/dispatch/layout.js';
import { Reaper } from '../dist/dispatch/reaper.js';
import { until } from './until.ts';

/** The clock, which goes on only as a test says, and by a little with each look at it. */
let nowMs: number;
const LOOK_MS = 1 / 1024;

const lane = laneOf(MILL_LANE);
let words: Int32Array;
let signal: LaneSignal;
let reaper: Reaper;

/** Tasks that are sent and not reaped, and how many of them are finished. */
let inFlight: number;
let finished: number;
/** How often it was looked for those. */
let looks: number;
/** What is to happen when some have been settled: their continuations. */
let onSettled: () => void;

beforeEach(() => {
  nowMs = 1000;
  vi.spyOn(performance, 'now').mockImplementation(() => (nowMs += LOOK_MS));
  words = new Int32Array(new SharedArrayBuffer(4 * DISPATCH_WORDS));
  signal = new LaneSignal(words, lane);
  inFlight = finished = looks = 0;
  onSettled = () => {};
  reaper = new Reaper(signal, () => {
    looks++;
    const settled = finished;
    inFlight -= settled;
    finished = 0;
    if (settled > 0) void Promise.resolve().then(onSettled);
    return { reaped: settled, inFlight, unread: 0 };
  });
});

afterEach(async () => {
  // What is in flight would keep the process alive.
  onSettled = () => {};
  for (finished = inFlight; rests() || inFlight > 0; finished = inFlight) {
    signal.signal();
    await turn();
  }
  // It looks once more, in vain.
  await turn();
  await turn();
  vi.restoreAllMocks();
});

function send(): void {
  inFlight++;
  reaper.start();
}

/** A turn of the event loop, to its end. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

const rests = (): boolean => words[lane.at + REST] === 1;

/** Sends a task, which is done at once, and does so a thousand times, whenever one has come back. Counts them. */
function sendOneAfterTheOther(count: { sent: number }): void {
  onSettled = () => {
    if (count.sent === 1000) return;
    send();
    count.sent++;
    finished = 1;
    reaper.sent();
  };
  send();
  finished = 1;
}

test('the first task of all is looked for in the next turn', async () => {
  send();
  finished = 1;
  reaper.sent();
  expect(inFlight).toBe(1);
  await turn();
  expect(inFlight).toBe(0);
});

test('what is sent as a result comes is looked for within the same turn', async () => {
  const count = { sent: 0 };
  sendOneAfterTheOther(count);
  await turn();
  expect(count.sent).toBeGreaterThan(3);
});

test('but only for so long: then the event loop has its turn', async () => {
  const count = { sent: 0 };
  sendOneAfterTheOther(count);
  const sinceMs = nowMs;
  await turn();
  const { sent } = count;
  expect(nowMs - sinceMs).toBeLessThan(0.03);
  await turn();
  expect(count.sent).toBeGreaterThan(sent);
});

test('also when the continuation takes longer than that', async () => {
  let sent = 0;
  onSettled = () => {
    send();
    sent++;
    finished = 1;
    nowMs += 1;
    reaper.sent();
  };
  send();
  finished = 1;
  await turn();
  expect(sent).toBe(2);
});

test('a look within a turn goes on for some microseconds, and then the turn is over', async () => {
  onSettled = () => {
    send();
    reaper.sent();
  };
  send();
  finished = 1;
  await turn();
  // Between the first look, which found something, and those of the turns that follow; the clock is read once in eight.
  expect(looks).toBeGreaterThan(8);
  expect(looks).toBeLessThanOrEqual(1 + 6 * 8);
});

test('it does not look within the turn while other tasks are in flight', async () => {
  onSettled = () => {
    send();
    reaper.sent();
  };
  send();
  send();
  finished = 1;
  await turn();
  expect(looks).toBe(1);
});

test('nor when nothing is sent: it looks in one more turn', async () => {
  send();
  finished = 1;
  for (let i = 0; i < 4; i++) await turn();
  expect(looks).toBe(2);
});

test('what is sent some turns later is looked for in the next', async () => {
  send();
  finished = 1;
  for (let i = 0; i < 4; i++) await turn();
  send();
  finished = 1;
  reaper.sent();
  expect(inFlight).toBe(1);
  await turn();
  expect(inFlight).toBe(0);
});

/** Sends a task, of which nothing is to be seen until it rests. */
async function sendAndRest(): Promise<void> {
  send();
  await turn();
  expect(rests()).toBe(false);
  nowMs += 0.1;
  await turn();
  expect(rests()).toBe(true);
}

/** The task is done, and it is told. */
async function tell(): Promise<void> {
  finished = 1;
  signal.signal();
  await until(() => inFlight === 0);
}

test('where nothing comes it rests after a while, and looks again when it is told', async () => {
  await sendAndRest();
  const before = looks;
  await turn();
  await turn();
  expect(looks).toBe(before);
  await tell();
});

test.each([
  ['soon after it rested, it is longer before it rests again', 0.1, false],
  ['late, it is not', 0.4, true],
])('when a result has come %s', async (_, afterMs, restsEarly) => {
  await sendAndRest();
  nowMs += afterMs;
  await tell();
  await turn();
  await turn();
  send();
  nowMs += 0.3;
  await turn();
  expect(rests()).toBe(restsEarly);
});
