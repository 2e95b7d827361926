/** The stage itself: whatever goes wrong in the browser fails the test, with its message; and what a page can do. */
import { expect, test } from 'vitest';
import { noBrowser, useScenes } from './browser.ts';

const play = useScenes();

test.skipIf(noBrowser).for([
  ['what a worker throws', 'throwInWorker', /Worker "throwIt 1" failed: Error: A job has thrown/],
  [
    'what nobody in a worker catches',
    'rejectUnseenInWorker',
    /A promise of the worker was rejected/,
  ],
  ['a module that a worker cannot load', 'loadNothingInWorker', /none\.mjs/],
  ['the error of a worker whose result nobody awaits', 'loseWorkersError', /A job has thrown/],
  ['what a task of the page throws', 'throwInTask', /A task of the page has thrown/],
  ['what the page writes to the console as an error', 'complain', /The page has complained/],
  ['a scene that is missing', 'none', /none is not a function/],
] as const)('%s fails the test', async ([, scene, message]) => {
  await expect(play('faults', scene)).rejects.toThrow(message);
});

test.skipIf(noBrowser)(
  'a page that is cross-origin isolated has pools, and may not block',
  async () => {
    expect(await play('faults', 'abilities')).toEqual({
      isolated: true,
      mayBlock: false,
      pools: 'none',
    });
  },
);

test.skipIf(noBrowser)(
  'a page that is not isolated is told that it can have no shared memory',
  async () => {
    expect(await play('faults', 'abilities', '/shut')).toEqual({
      isolated: false,
      mayBlock: false,
      pools: 'ERR_ARENA_UNAVAILABLE',
    });
  },
);
