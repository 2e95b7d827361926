/** The rings in a browser: between two workers, and with the page. */
import { expect, test } from 'vitest';
import { noBrowser, useScenes } from './browser.ts';

const play = useScenes();
const MIB = 2 ** 20;

test.skipIf(noBrowser)(
  '16 MiB go from worker to worker through 64 KiB, every byte right',
  async () => {
    expect(await play('bytes', 'workerToWorker')).toEqual({
      written: 16 * MIB,
      read: { bytes: 16 * MIB, wrong: 0, aborted: false },
      state: 'ended',
    });
  },
);

test.skipIf(noBrowser)(
  "the web's own gzip streams work through a ring between two workers",
  async () => {
    expect(await play('bytes', 'asStreams')).toEqual({
      sent: 8 * MIB,
      received: { bytes: 8 * MIB, wrong: 0 },
      state: 'ended',
    });
  },
);

test.skipIf(noBrowser)(
  'a page reads a ring as a stream, and a worker is told when the page wants no more',
  async () => {
    expect(await play('bytes', 'toThePage')).toEqual({
      received: { bytes: 2 * MIB, wrong: 0 },
      piece: 100,
      refusal: 'ERR_RING_CLOSED',
    });
  },
);

test.skipIf(noBrowser)(
  'two producers and two consumers pass each message once, whole and in order',
  async () => {
    expect(await play('messages', 'manyToMany')).toEqual({
      count: 22_000,
      broken: 0,
      disorder: 0,
      eachOnce: true,
      bothTook: true,
    });
  },
);

test.skipIf(noBrowser)(
  'a worker and the page hear a broadcast: each message whole, or counted as missed',
  async () => {
    const heard = { accounted: 20_000, broken: 0, some: true };
    expect(await play('messages', 'broadcast')).toEqual({ page: heard, worker: heard });
  },
);
