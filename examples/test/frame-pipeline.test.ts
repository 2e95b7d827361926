import { follow } from '@millrace/examples/frame-pipeline';
import { centreOf, FRAME_BYTES, type Seen } from '@millrace/examples/frames';
import { createMill, MillraceError } from 'millrace';
import { expect, onTestFinished, test } from 'vitest';
import { outputOf } from './programs.ts';

const MiB = 1024 * 1024;

async function millOf(memory: number) {
  const mill = await createMill({ threads: 2, memory });
  onTestFinished(async () => {
    expect(mill.stats().slices.live).toBe(0);
    await mill.close();
  });
  return mill;
}

/** How far what was seen is from the disc that was drawn, in pixels. */
function offBy({ x, y }: Seen, number: number): number {
  const centre = centreOf(number);
  return Math.hypot(x - centre.x, y - centre.y);
}

test('frames come out in order, each with its own disc, and no more are under way than allowed', async () => {
  const mill = await millOf(64 * MiB);
  let number = 0;
  for await (const seen of follow(mill, 30, 3)) {
    expect(offBy(seen, number)).toBeLessThan(1);
    // The one that was just seen has left.
    expect(mill.stats().tasks.inFlight).toBeLessThan(3);
    number++;
  }
  expect(number).toBe(30);
  const { memory, bytes } = mill.stats();
  // Three frames lie in one slab of 4 MiB, however many go through it. Their small results lie in another; two threads
  // that need one at the same moment open one each.
  expect(memory.open).toBeLessThanOrEqual(3 * 4 * MiB);
  // Each stage read its frame where it lay, and no worker was sent or wrote another byte.
  expect(bytes).toEqual({ in: 3 * 30 * FRAME_BYTES, out: 0 });
});

test('more frames than memory holds wait for each other', async () => {
  const mill = await millOf(4 * MiB);
  const seen: Seen[] = [];
  for await (const each of follow(mill, 20, 10)) seen.push(each);
  expect(seen.map(offBy).every((distance) => distance < 1)).toBe(true);
  expect(seen).toHaveLength(20);
});

test('a reader that stops early leaves no frame behind', async () => {
  const mill = await millOf(64 * MiB);
  for await (const seen of follow(mill, 100, 4)) {
    expect(seen.pixels).toBeGreaterThan(0);
    break;
  }
  const { slices, tasks } = mill.stats();
  expect([slices.live, tasks.inFlight]).toEqual([0, 0]);
  expect(tasks.submitted).toBe(3 * 4);
});

test('a failure reaches the reader, and leaves no frame behind', async () => {
  const mill = await millOf(64 * MiB);
  const read = async (): Promise<void> => {
    for await (const _seen of follow(mill, 100, 4)) await mill.close();
  };
  const error: unknown = await read().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(MillraceError);
  expect((error as MillraceError).code).toBe('ERR_MILL_CLOSED');
});

test('the program runs as it says', async () => {
  expect(await outputOf('frame-pipeline')).toMatch(
    /frame 250: the disc is at 769.6, 329.6\n300 frames, \d+ a second, in (8|12) MiB/,
  );
});
