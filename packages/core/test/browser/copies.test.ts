/** Copies and tees in a browser: its streams refuse shared memory, and its page must go on meanwhile. */
import { expect, test } from 'vitest';
import { noBrowser, useScenes } from './browser.ts';

const play = useScenes();
const MIB = 2 ** 20;
const LENGTH = 5 * MIB + 123;

test.skipIf(noBrowser)(
  "bytes are copied from and to the web's own streams through shared memory",
  async () => {
    expect(await play('copies', 'throughStreams')).toEqual({
      copied: LENGTH,
      read: LENGTH,
      wrong: 0,
      live: 0,
    });
  },
);

test.skipIf(noBrowser)('a stream is teed into another one and into memory', async () => {
  expect(await play('copies', 'teed')).toEqual({
    piped: LENGTH,
    bytesRead: LENGTH,
    branch: 'closed',
    failed: false,
    wrong: [0, 0],
    live: 0,
  });
});

test.skipIf(noBrowser)('a copy from a stream that is stuck ends with its signal', async () => {
  expect(await play('copies', 'left')).toEqual({
    code: 'ERR_ABORTED',
    cancelled: 'ERR_ABORTED',
    live: 0,
  });
});

test.skipIf(noBrowser)('the page goes on while 256 MiB are copied on it', async () => {
  expect(await play('copies', 'whileThePageGoesOn')).toEqual({
    copied: 256 * MIB,
    manyTurns: true,
    wrong: 0,
    live: 0,
  });
});
