/** The backlog of tasks for which there is no cell: who is offered one when. */
import { Backlog, IN_NO_CELL, RINGS, type Task } from '@millrace/workers/internal';
import { expect, test } from 'vitest';

const NORMAL = 2;
const LOW = 3;

const made = (count: number): Task[] =>
  Array.from({ length: count }, () => ({ cell: IN_NO_CELL }) as Task);

/** What is taken in one go, by ring, until `room` tasks are or all are refused. */
function drained(
  backlog: Backlog,
  room = Infinity,
  refused = (_ring: number): boolean => false,
): { task: Task; ring: number }[] {
  const taken: { task: Task; ring: number }[] = [];
  backlog.drain((task, ring) => {
    if (taken.length >= room || refused(ring)) return false;
    taken.push({ task, ring });
    return true;
  });
  return taken;
}

test('who came first to a ring leaves it first, whatever room there is at a time', () => {
  const backlog = new Backlog();
  const tasks = made(1000);
  const left: Task[] = [];
  for (const task of tasks) {
    backlog.push(task, NORMAL);
    if (backlog.length % 7 === 0) left.push(...drained(backlog, 3).map((taken) => taken.task));
  }
  left.push(...drained(backlog).map((taken) => taken.task));
  expect(left).toHaveLength(tasks.length);
  expect(left.every((task, i) => task === tasks[i])).toBe(true);
  expect(backlog.length).toBe(0);
  expect(backlog.has(NORMAL)).toBe(false);
});

test('no ring waits for long while others are full', () => {
  const backlog = new Backlog();
  for (let ring = 0; ring < RINGS; ring++) for (const task of made(200)) backlog.push(task, ring);
  const rings = new Set(drained(backlog, 64).map(({ ring }) => ring));
  expect(rings.size).toBe(RINGS);
});

test('a ring that is full holds up no other, and keeps its tasks', () => {
  const backlog = new Backlog();
  for (const task of made(5)) backlog.push(task, NORMAL);
  for (const task of made(5)) backlog.push(task, LOW);
  const taken = drained(backlog, Infinity, (ring) => ring === NORMAL);
  expect(taken.map(({ ring }) => ring)).toEqual([LOW, LOW, LOW, LOW, LOW]);
  expect(backlog.has(NORMAL)).toBe(true);
  expect(drained(backlog)).toHaveLength(5);
});

test('tasks that have settled are passed over, and a ring of such is empty, and fills again', () => {
  const backlog = new Backlog();
  const tasks = made(3);
  for (const task of tasks) backlog.push(task, LOW);
  for (const task of tasks) backlog.forget(task);
  expect(backlog.length).toBe(0);
  expect(backlog.has(LOW)).toBe(false);
  expect(drained(backlog)).toEqual([]);
  const [next] = made(1);
  backlog.push(next!, LOW);
  expect(drained(backlog)).toEqual([{ task: next, ring: LOW }]);
});
