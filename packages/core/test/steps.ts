/**
 * Steps: stops code at each of its atomic operations in turn, to let another thread act there, or to let
 * its own thread die there.
 *
 *   load ─ gap ─ compareExchange ─ gap ─ or ─ gap …
 *
 * A gap has two sides: right after the operation before it and right before the operation after it.
 * What lies between them are the plain loads and stores in the gap.
 */

const NAMES = ['load', 'store', 'add', 'and', 'or', 'exchange', 'compareExchange'] as const;

type AtomicOperation = (...args: unknown[]) => unknown;
const atomics = Atomics as unknown as Record<string, AtomicOperation>;

/** Runs `run` and calls `intrude` in the one gap that this trial is about. */
export type Interrupt = (run: () => void, intrude: () => void) => void;

/**
 * Calls `trial` once for each gap of the code that it hands to `interrupt`, and once more without.
 *
 * @returns how many gaps there were
 */
export function atEveryGap(trial: (interrupt: Interrupt) => void): number {
  for (let gap = 0; ; gap++) {
    let reached = false;
    trial((run, intrude) => {
      interruptAt(gap, run, () => {
        reached = true;
        intrude();
      });
    });
    if (!reached) return gap;
  }
}

/**
 * Like {@link atEveryGap}, but the thread that runs the code dies in the gap. It dies by an exception; a
 * `finally` or `catch` on its way finds that no atomic operation works any more, and what it stores in
 * `words` without is taken back.
 */
export function dyingAtEveryGap(
  trial: (mortal: (run: () => void) => void) => void,
  words?: Int32Array,
): number {
  const death = new Error('The thread died');
  return atEveryGap((interrupt) => {
    trial((run) => {
      let atDeath: Int32Array | undefined;
      try {
        interrupt(run, () => {
          atDeath = words?.slice();
          throw death;
        });
      } catch (error) {
        if (error !== death) throw error;
        if (atDeath) words!.set(atDeath);
      }
    });
  });
}

function interruptAt(gap: number, run: () => void, intrude: () => void): void {
  let at = 0;
  const real = NAMES.map((name) => [name, atomics[name]!] as const);
  const restore = (): void => {
    for (const [name, operation] of real) atomics[name] = operation;
  };
  const passGap = (): void => {
    if (at++ !== gap) return;
    restore();
    try {
      intrude();
    } catch (death) {
      for (const [name] of real) {
        atomics[name] = () => {
          throw death;
        };
      }
      throw death;
    }
  };
  for (const [name, operation] of real) {
    atomics[name] = (...args) => {
      passGap();
      const result = operation(...args);
      passGap();
      return result;
    };
  }
  try {
    run();
  } finally {
    restore();
  }
}
