/** Buffer pools in a browser: slices that cross between workers, memory that grows, and workers that are terminated. */
import { expect, test } from 'vitest';
import { noBrowser, useScenes } from './browser.ts';

const play = useScenes();

test.skipIf(noBrowser)(
  'two workers release what the other one leased, every byte right, and no slot is lost',
  async () => {
    const tally = { received: 1500, wrong: 0 };
    expect(await play('pools', 'crossRelease')).toEqual({
      tallies: [tally, tally],
      arena: { kind: 'wasm' },
      slices: { leased: 3000, returned: 3000, swept: 0, live: 0 },
      swept: [0, 0],
      lostBytes: 0,
    });
  },
);

test.skipIf(noBrowser)(
  'a worker that spins uses each slab as soon as the other one has opened it',
  async () => {
    expect(await play('pools', 'growth')).toEqual({
      wrong: 0,
      openAtFirst: 0,
      openBytes: 512 * 2 ** 20,
      memoryBytes: 512 * 2 ** 20,
    });
  },
);

test.skipIf(noBrowser)(
  'what a terminated worker held is swept: slices, a mutex and permits',
  async () => {
    const { classes, ...report } = await play<{ classes: number }>('deaths', 'heldByTheDead');
    expect(report).toEqual({
      liveBefore: classes,
      swept: classes,
      sweptAgain: 0,
      live: 0,
      outcome: 'abandoned',
      free: 3,
      lostBytes: 0,
    });
  },
);

test.skipIf(noBrowser)(
  'workers that are terminated anywhere in their work lose no slot and harm no other',
  async () => {
    expect(await play('deaths', 'killedAnywhere')).toEqual({
      faults: 0,
      goneOn: 0,
      survivorWorked: true,
      someWereHolding: true,
      sweptAsCounted: true,
      live: 0,
      alive: [1],
      lostBytes: 0,
    });
  },
);
