/** How long a worker looks for work before it parks: as long as that has lately been worth it. */
import { beforeEach, expect, test, vi } from 'vitest';
import { SpinBudget } from '../dist/threads/spin-budget.js';

/** What a look at the clock takes. */
const STEP_MS = 1 / 512;

let nowMs: number;
beforeEach(() => {
  nowMs = 0;
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => (nowMs += STEP_MS));
  return () => clock.mockRestore();
});

/** For how long it looks in vain. */
function inVain(spin: SpinBudget): number {
  const since = nowMs;
  expect(spin.until(() => -1)).toBe(-1);
  // The first look at the clock is when it begins.
  return nowMs - since - STEP_MS;
}

test('where nothing comes it looks half as long each time, down to next to nothing', () => {
  const spin = new SpinBudget();
  const spans = Array.from({ length: 8 }, () => inVain(spin));
  const halves = [200, 100, 50, 25, 12.5, 6.25, 5, 5].map((us) => us / 1000);
  for (const [i, half] of halves.entries()) {
    expect(spans[i]).toBeGreaterThanOrEqual(half);
    expect(spans[i]).toBeLessThanOrEqual(half + STEP_MS);
  }
});

test('where something has come it looks for the whole time again', () => {
  const spin = new SpinBudget();
  for (let i = 0; i < 8; i++) inVain(spin);
  expect(spin.until(() => 7)).toBe(7);
  expect(inVain(spin)).toBeGreaterThanOrEqual(0.2);
});

test('woken soon after a look in vain, it looks for as long as a tick of the scheduler takes', () => {
  const spin = new SpinBudget();
  inVain(spin);
  nowMs += 0.1;
  spin.woken();
  const span = inVain(spin);
  expect(span).toBeGreaterThanOrEqual(4);
  expect(span).toBeLessThanOrEqual(4 + STEP_MS);
});

test('woken without a look before, it has learnt nothing', () => {
  const spin = new SpinBudget();
  // After the first trial it must come soon twice until the next.
  inVain(spin);
  spin.woken();
  inVain(spin);
  inVain(spin);
  spin.woken();
  spin.woken();
  expect(inVain(spin)).toBeLessThanOrEqual(0.005 + STEP_MS);
});
