/** For how long to look before one goes to rest. */
import { beforeEach, expect, test } from 'vitest';
import { LookBudget } from '../dist/dispatch/look-budget.js';

const MOST = 0.1;
const LEAST = 0.01;
const TRIAL = 2;
/** It came this long after the look began: soon, and not. */
const SOON = 0.39;
const LATE = 0.4;

let budget: LookBudget;
beforeEach(() => {
  budget = new LookBudget({ mostMs: MOST, leastMs: LEAST, trialMs: TRIAL });
});

/** Looks in vain, and it comes after all. */
function inVain(afterMs: number): void {
  budget.inVain();
  budget.came(afterMs);
}

/** How often it comes soon, each time after a look in vain, until the next trial. */
function untilTrial(): number {
  for (let times = 1; times <= 5000; times++) {
    inVain(SOON);
    if (budget.ms === TRIAL) return times;
  }
  return Infinity;
}

test('at first, for the whole time', () => {
  expect(budget.ms).toBe(MOST);
});

test('half as long each time that it was in vain, but never for less than the least', () => {
  const spans = Array.from({ length: 6 }, () => {
    inVain(LATE);
    return budget.ms;
  });
  expect(spans).toEqual([MOST / 2, MOST / 4, MOST / 8, LEAST, LEAST, LEAST]);
});

test('for the whole time again, once it has paid', () => {
  for (let i = 0; i < 6; i++) inVain(LATE);
  budget.paid();
  expect(budget.ms).toBe(MOST);
});

test('longer, for a trial, when it has come soon after all', () => {
  inVain(SOON);
  expect(budget.ms).toBe(TRIAL);
});

test('next to nothing after a trial that showed nothing', () => {
  inVain(SOON);
  budget.inVain();
  expect(budget.ms).toBe(LEAST);
});

test('trials that show nothing grow rare', () => {
  const gaps = Array.from({ length: 13 }, untilTrial);
  expect(gaps).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 1024, 1024]);
});

test('and are as frequent as before, once sixteen looks in a row have paid', () => {
  for (let i = 0; i < 5; i++) untilTrial();
  for (let i = 0; i < 16; i++) budget.paid();
  expect(untilTrial()).toBe(1);
});

test('but not because they have paid now and then', () => {
  for (let i = 0; i < 5; i++) untilTrial();
  for (let round = 0; round < 10; round++) {
    for (let i = 0; i < 15; i++) budget.paid();
    inVain(LATE);
  }
  expect(untilTrial()).toBe(32);
});
