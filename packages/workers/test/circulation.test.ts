/** How many cells go round: all, or a few where results come as fast as they are taken. */
import { DISPATCH_WORDS, MILL_LANE, TaskTable, WakeUp, laneOf } from '@millrace/workers/internal';
import { beforeEach, expect, test } from 'vitest';
import { Cells } from '../dist/dispatch/cells.js';
import { Circulation } from '../dist/dispatch/circulation.js';
import { Offers } from '../dist/dispatch/offers.js';
import { IN_NO_CELL, USUAL_TERMS, type Task } from '../dist/dispatch/task.js';

const ALL = 4096;
const FEW = 512;

/** Takes results at once after one another, until nothing has come between. */
function takeQuickly(circulation: { took(results: number): void; readonly most: number }): void {
  for (let i = 0; i < 1000 && circulation.most !== FEW; i++) circulation.took(FEW);
}

/** For longer than `results` may take that come quickly. */
function dawdle(results: number): void {
  const untilMs = performance.now() + results * 0.005;
  while (performance.now() < untilMs);
}

let circulation: Circulation;
beforeEach(() => {
  circulation = new Circulation(ALL);
});

test('at first, all', () => {
  expect(circulation.most).toBe(ALL);
});

test('few, once results come as fast as they are taken', () => {
  takeQuickly(circulation);
  expect(circulation.most).toBe(FEW);
});

test('it is looked at when some hundred have come, however few at a time', () => {
  takeQuickly(circulation);
  dawdle(FEW);
  for (let i = 1; i < FEW; i++) {
    circulation.took(1);
    expect(circulation.most).toBe(FEW);
  }
  circulation.took(1);
  expect(circulation.most).toBe(ALL);
});

/** Offers whose owner has just taken results as fast as they came. */
function quickOffers(): { offers: Offers; cells: Cells } {
  const words = new Int32Array(new SharedArrayBuffer(4 * DISPATCH_WORDS));
  const wakeUp = new WakeUp(words);
  wakeUp.openLane(MILL_LANE);
  const table = new TaskTable(words, laneOf(MILL_LANE));
  const cells = new Cells(table);
  const offers = new Offers(table, cells, wakeUp);
  offers.refill(FEW);
  offers.refill(FEW);
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
  let { offers, cells } = quickOffers();
  for (let i = 0; i < 1000 && offers.backlog === 0; i++) {
    // Something may have come between the two looks at the clock.
    ({ offers, cells } = quickOffers());
    for (let n = 0; n < FEW + 100; n++) offers.add(task());
  }
  expect({ used: cells.used, waiting: offers.backlog }).toEqual({ used: FEW, waiting: 100 });
  for (let cell = 0; cell < 40; cell++) cells.empty(cells.all()[0]!);
  offers.refill(40);
  expect({ used: cells.used, waiting: offers.backlog }).toEqual({ used: FEW, waiting: 60 });
});
