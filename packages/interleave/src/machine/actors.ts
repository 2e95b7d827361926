/**
 * Actors: who can make the next step, and as what. The choices of a schedule are actors.
 *
 *   process p goes on                      p         bits  0–7  of a mask
 *   process p's `Atomics.wait` times out   8 + p     bits  8–15
 *   process p dies                         16 + p    bits 16–23
 *
 * Processes 0 to n − 1 are the threads of the case, n to 2n − 1 their sweepers.
 */

/** The most threads of a case: with a sweeper each they fill the eight processes. */
export const MOST_THREADS = 4;

const STRIDE = 8;
const PROCESS_MASK = STRIDE - 1;

export const GO = 0;
export const TIME_OUT = 1;
export const DIE = 2;

/** The actors that go on, as a mask. */
export const GOING = 0xff;

export function actorOf(way: number, process: number): number {
  return way * STRIDE + process;
}

export function processOf(actor: number): number {
  return actor & PROCESS_MASK;
}

export function wayOf(actor: number): number {
  return actor >>> 3;
}

/** All actors of the processes in the mask `processes`. */
export function actorsOf(processes: number): number {
  return processes | (processes << STRIDE) | (processes << (2 * STRIDE));
}

/** The processes that have an actor in the mask `actors`. */
export function processesOf(actors: number): number {
  return (actors | (actors >>> STRIDE) | (actors >>> (2 * STRIDE))) & GOING;
}

/** The lowest actor, or process, in a mask that is not empty. */
export function lowest(mask: number): number {
  return 31 - Math.clz32(mask & -mask);
}
