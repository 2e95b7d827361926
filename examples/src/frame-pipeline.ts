/**
 * A frame pipeline: each frame lies in one slice of shared memory and goes through three stages on the
 * mill's threads. Several frames are under way at once, at most `inFlight`; they come out in order.
 *
 *   frame 7   draw ──▶ outline ──▶ locate ──▶ result
 *   frame 8   draw ──▶ outline ──▶ …             the slices of frames that are done
 *   frame 9   draw ──▶ …                         are drawn on again: memory stays the same
 *
 * What goes from stage to stage, and from thread to thread, is the number of a slot. No frame is copied.
 *
 *     node examples/dist/frame-pipeline.js
 */
import { pathToFileURL } from 'node:url';
import { createMill, type Mill } from 'millrace';
import { draw, FRAME_BYTES, locate, outline, type Seen } from './frames.js';

/** Sends frames 0 … count - 1 through the stages; what was seen in each, in order. */
export async function* follow(mill: Mill, count: number, inFlight = 4): AsyncGenerator<Seen> {
  const underWay: Promise<Seen>[] = [];
  try {
    for (let number = 0; number < count; number++) {
      if (underWay.length === inFlight) yield await underWay.shift()!;
      const frame = through(mill, number);
      // A frame may fail before its turn has come: whoever waits for it is told then.
      frame.catch(() => {});
      underWay.push(frame);
    }
    while (underWay.length > 0) yield await underWay.shift()!;
  } finally {
    // Whoever stops early, or meets an error, gets the frames' memory back all the same.
    await Promise.allSettled(underWay);
  }
}

async function through(mill: Mill, number: number): Promise<Seen> {
  // Waits when all memory is lent. The slice is released when the last stage is done, or one fails.
  using frame = await mill.buffers.acquireAsync(FRAME_BYTES);
  await mill.run(draw, frame, { number });
  await mill.run(outline, frame);
  return await mill.run(locate, frame);
}

async function main(): Promise<void> {
  const frames = 300;
  await using mill = await createMill({ memory: 64 * 1024 * 1024 });
  const startedAt = performance.now();
  let number = 0;
  for await (const { x, y } of follow(mill, frames)) {
    if (number++ % 50 === 0)
      console.log(`frame ${number - 1}: the disc is at ${x.toFixed(1)}, ${y.toFixed(1)}`);
  }
  const seconds = (performance.now() - startedAt) / 1000;
  const { open } = mill.stats().memory;
  console.log(
    `${frames} frames, ${(frames / seconds).toFixed(0)} a second, in ${open / 2 ** 20} MiB`,
  );
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main();
