/** Locks and signals in a browser, where workers may block and the page may not. */
import { expect, test } from 'vitest';
import { noBrowser, useScenes } from './browser.ts';

const play = useScenes();

test.skipIf(noBrowser)(
  'two workers that block and a page that does not exclude each other by a mutex',
  async () => {
    expect(await play('locks', 'countUnderMutex')).toEqual({
      lost: 0,
      stats: { abandoned: false, sleeping: [], listening: [] },
    });
  },
);

test.skipIf(noBrowser)(
  'two workers and a page never borrow more of a semaphore than there is',
  async () => {
    const { mostTogether, ...rest } = await play<{ mostTogether: number }>(
      'locks',
      'shareOutPermits',
    );
    expect(rest).toEqual({ free: 3, held: [], waiting: [] });
    expect(mostTogether).toBeGreaterThan(0);
    expect(mostTogether).toBeLessThanOrEqual(3);
  },
);

test.skipIf(noBrowser)(
  'a page gets at once what is free, is refused to block for the rest, and awaits it',
  async () => {
    expect(await play('locks', 'onThePage')).toEqual({
      free: ['clean', 'none'],
      taken: ['ERR_CANNOT_BLOCK', 'ERR_CANNOT_BLOCK', 'not locked', false],
      impatient: ['ERR_TIMEOUT', 'ERR_ABORTED'],
      outcome: 'clean',
      holds: true,
    });
  },
);

test.skipIf(noBrowser)(
  'two workers and the page pass a barrier 300 times, together, led by one each time',
  async () => {
    expect(await play('signals', 'passBarrier')).toEqual({ early: 0, led: 300, lost: [] });
  },
);

test.skipIf(noBrowser)(
  'an event lets two workers through, and a latch tells the page that both have come',
  async () => {
    expect(await play('signals', 'startTogether')).toEqual({
      before: 0,
      after: 2,
      gate: { set: true, timesSet: 1, waiting: [] },
      latch: { count: 0, waiting: [] },
    });
  },
);

test.skipIf(noBrowser)(
  'a worker and the page call and answer each other by events 300 times',
  async () => {
    expect(await play('signals', 'callAndAnswer')).toEqual({
      answered: 300,
      calls: 300,
      answers: 300,
    });
  },
);
