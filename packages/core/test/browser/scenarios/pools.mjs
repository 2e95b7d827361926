// Slices that go from worker to worker, and memory that grows under them.

import { MessageRing, SIZE_CLASSES } from '../../../dist/entries/index.js';
import {
  createPools,
  fill,
  invitationTo,
  join,
  leaseEverything,
  randomFrom,
  adopt,
  bytesOf,
  wordsOf,
  wrongBytes,
} from '../site/memory.mjs';
import { runAll, sharedWords } from '../site/threads.mjs';

const MIB = 2 ** 20;
/** A slice in three words, and the seed of its bytes. */
const SHAPE = { cells: 32, messageWords: 4 };

/** Two workers lease slices, fill them, and hand them to each other to be checked and released. */
export async function crossRelease() {
  const pools = createPools(128 * MIB);
  const rings = [sharedWords(MessageRing.words(SHAPE)), sharedWords(MessageRing.words(SHAPE))];
  const invitations = [invitationTo(pools), invitationTo(pools)];
  const tallies = await runAll(import.meta.url, 'exchange', [
    { invitation: invitations[0], outgoing: rings[0], incoming: rings[1], count: 1500 },
    { invitation: invitations[1], outgoing: rings[1], incoming: rings[0], count: 1500 },
  ]);
  const { arena, slices, memoryBytes } = pools.stats();
  // What their magazines hold goes back.
  const swept = invitations.map(({ thread }) => pools.sweep(thread, 0));
  return { tallies, arena, slices, swept, lostBytes: memoryBytes - leaseEverything(pools) };
}

/** One worker opens slab after slab, and the other, which gets no message meanwhile, uses each at once. */
export async function growth() {
  const slabs = 128;
  const pools = createPools(slabs * 4 * MIB);
  const openAtFirst = pools.stats().openBytes;
  const told = sharedWords(4);
  const orders = { told, slabs };
  const [wrong] = await runAll(import.meta.url, 'growOrFollow', [
    { ...orders, role: 'grow', invitation: invitationTo(pools) },
    { ...orders, role: 'follow', invitation: invitationTo(pools) },
  ]);
  const { openBytes, memoryBytes } = pools.stats();
  return { wrong, openAtFirst, openBytes, memoryBytes };
}

export const jobs = { exchange, growOrFollow };

function exchange({ invitation, outgoing, incoming, count }) {
  const pools = join(invitation);
  const to = new MessageRing(outgoing, 0, SHAPE, pools.thread);
  const from = new MessageRing(incoming, 0, SHAPE, pools.thread);
  const random = randomFrom(invitation.thread * 7919);
  const message = new Int32Array(SHAPE.messageWords);
  const tally = { received: 0, wrong: 0 };

  const receive = () => {
    if (from.pop(message) < 0) return false;
    const [seed, ...words] = message;
    const slice = adopt(pools, words);
    tally.wrong += wrongBytes(slice.bytes, seed);
    slice.release();
    tally.received++;
    return true;
  };
  for (let seed = 0; seed < count; seed++) {
    const slice = pools.acquire(randomSize(random));
    fill(slice.bytes, seed);
    const sent = Int32Array.of(seed, ...wordsOf(slice));
    // Both look at what came before they wait for room: so one of them always has something to do.
    while (!to.push(sent)) if (!receive()) to.waitForRoomSync();
  }
  while (tally.received < count) if (!receive()) from.waitForMessagesSync();
  return tally;
}

/** Every class up to 256 KiB is as likely as the others, and then every size within it. */
function randomSize(random) {
  const classes = SIZE_CLASSES.filter((bytes) => bytes <= 256 * 1024);
  return 1 + (random() % classes[random() % classes.length]);
}

/**
 * Word 0 of `told` is n when slab n has been told of by the other three words, and −n when it was written to. Both spin:
 * a worker that waits for a message would learn of the growth meanwhile.
 */
function growOrFollow({ invitation, told, slabs, role }) {
  const pools = join(invitation);
  let wrong = 0;
  for (let n = 1; n <= slabs; n++) {
    if (role === 'grow') {
      const slice = pools.acquire(4 * MIB);
      told.set(wordsOf(slice), 1);
      // Publishes the slice to the other worker.
      Atomics.store(told, 0, n);
      while (Atomics.load(told, 0) === n);
      if (slice.bytes[0] !== n || slice.bytes[4 * MIB - 1] !== (~n & 0xff)) wrong++;
    } else {
      while (Atomics.load(told, 0) !== n);
      const bytes = bytesOf(pools, told.subarray(1));
      bytes[0] = n;
      bytes[4 * MIB - 1] = ~n;
      Atomics.store(told, 0, -n);
    }
  }
  return wrong;
}
