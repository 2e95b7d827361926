/** Counters, gauges and histograms: written by two workers, read by the page meanwhile. */
import { expect, test } from 'vitest';
import { noBrowser, useScenes } from './browser.ts';

const play = useScenes();

test.skipIf(noBrowser)(
  'a page reads what two workers count and record, while they do and when they are done',
  async () => {
    expect(await play('metrics', 'readFromThePage')).toEqual({
      fell: 0,
      counted: 1_200_000,
      gauge: 200_000,
      histogram: { count: 400_000, min: 1, max: 200_000 },
      meanIsClose: true,
      medianIsClose: true,
    });
  },
);
