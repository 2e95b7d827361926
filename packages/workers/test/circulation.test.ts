/** How many cells go round: all, or a few where results come as fast as they are taken. */
import { DISPATCH_WORDS, MILL_LANE, TaskTable, WakeUp, laneOf } from '@millrace/workers/internal';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Cells } from '../dist/dispatch/cells.js';
import { Circulation } from '../dist/dispatch/circulation.js';
import { Offers } from '../dist/dispatch/offers.js';
import { IN_NO_CELL, USUAL_TERMS, type Task } from '../dist/dispatch/task.js';

const ALL = 4096;
const FEW = 512;

/** The clock, which goes on only as a test says: a processor may be taken from a thread at any time, for any time. */
let nowMs: number;

const WORK_MS = 1;

let circulation: Circulation;
beforeEach(() => {
  nowMs = 1000;
  vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
  circulation = new Circulation(ALL);
});

afterEach(() => {
  vi.restoreAllMocks();
});

/** The owner is elsewhere, is back to take as many results as cells go round, and goes through their continuations. */
async function turn(elsewhereMs: number, inFlight = ALL): Promise<void> {
  nowMs += elsewhereMs;
  circulation.looks(inFlight);
  circulation.took(circulation.most);
  nowMs += WORK_MS;
  await new Promise<void>((resolve) => queueMicrotask(resolve));
}

/** Turns in which the owner is back at once, until few cells go round. */
async function untilFew(): Promise<void> {
  for (let i = 0; i < 3 && circulation.most !== FEW; i++) await turn(0);
  expect(circulation.most).toBe(FEW);
}

test('at first, all', () => {
  expect(circulation.most).toBe(ALL);
});

test('few, where the owner does nothing but send and take', async () => {
  await untilFew();
  for (let i = 0; i < 10; i++) await turn(WORK_MS / 20);
  expect(circulation.most).toBe(FEW);
});

test('all again, once it has been elsewhere for long four times in a row', async () => {
  await untilFew();
  for (let time = 1; time < 4; time++) {
    await turn(WORK_MS);
    expect(circulation.most).toBe(FEW);
  }
  await turn(WORK_MS);
  expect(circulation.most).toBe(ALL);
});

test('all still, where what it does elsewhere would be much for few', async () => {
  await untilFew();
  for (let time = 0; time < 4; time++) await turn(WORK_MS);
  for (let time = 0; time < 10; time++) await turn(WORK_MS / 10);
  expect(circulation.most).toBe(ALL);
});

test('few still, when it was back at once in between', async () => {
  await untilFew();
  for (let time = 0; time < 20; time++) {
    await turn(0);
    for (let pause = 1; pause < 4; pause++) await turn(WORK_MS);
    expect(circulation.most).toBe(FEW);
  }
});

test('it looks when as many results have come as cells go round, however few at a time', async () => {
  await untilFew();
  for (let time = 1; time < 4; time++) await turn(WORK_MS);
  nowMs += WORK_MS;
  circulation.looks(ALL);
  for (let i = 1; i < FEW; i++) circulation.took(1);
  expect(circulation.most).toBe(FEW);
  circulation.took(1);
  expect(circulation.most).toBe(ALL);
});

test('with few in flight it does not look', async () => {
  await untilFew();
  for (let time = 0; time < 10; time++) await turn(WORK_MS, FEW - 1);
  expect(circulation.most).toBe(FEW);
});

/** Offers whose owner has just taken results, and was nowhere else. */
function quickOffers(): { offers: Offers; cells: Cells } {
  const words = new Int32Array(new SharedArrayBuffer(4 * DISPATCH_WORDS));
  const wakeUp = new WakeUp(words);
  wakeUp.openLane(MILL_LANE);
  const table = new TaskTable(words, laneOf(MILL_LANE));
  const cells = new Cells(table);
  const offers = new Offers(table, cells, wakeUp, () => {});
  for (let n = 0; n < FEW; n++) offers.add(task());
  offers.looks();
  offers.refill(ALL);
  for (const cell of cells.all()) cells.empty(cell);
  return { offers, cells };
}

const task = (): Task =>
  ({
    config: { id: 1 },
    terms: USUAL_TERMS,
    cell: IN_NO_CELL,
    file: -1,
    target: -1,
  }) as Task;

test('tasks beyond them wait in the backlog, and come as cells are given back', () => {
  const { offers, cells } = quickOffers();
  for (let n = 0; n < FEW + 100; n++) offers.add(task());
  expect({ used: cells.used, waiting: offers.backlog }).toEqual({ used: FEW, waiting: 100 });
  for (let cell = 0; cell < 40; cell++) cells.empty(cells.all()[0]!);
  offers.refill(40);
  expect({ used: cells.used, waiting: offers.backlog }).toEqual({ used: FEW, waiting: 60 });
});
