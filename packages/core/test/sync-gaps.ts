/**
 * Gaps: lets another thread act once between two atomic operations of some code, at each place in turn.
 *
 *   load ─ gap ─ compareExchange ─ gap ─ waitAsync ─ gap …
 *
 * For the async forms, whose steps up to the first `await` are as exposed as any.
 */

const NAMES = [
  'load',
  'store',
  'add',
  'sub',
  'and',
  'or',
  'exchange',
  'compareExchange',
  'notify',
  'waitAsync',
] as const;

type Operation = (...args: unknown[]) => unknown;
const atomics = Atomics as unknown as Record<string, Operation>;

/** Runs `run` with `before(name)` called before each of its atomic operations. */
export function watched<Result>(run: () => Result, before: (name: string) => void): Result {
  const real = NAMES.map((name) => [name, atomics[name]!] as const);
  for (const [name, operation] of real) {
    atomics[name] = (...args) => {
      before(name);
      return operation(...args);
    };
  }
  try {
    return run();
  } finally {
    for (const [name, operation] of real) atomics[name] = operation;
  }
}

/**
 * Calls `trial` once for each gap of the code that it hands to `interrupt`; the last time `intrude` is
 * called after all of it.
 *
 * @returns how many gaps there were
 */
export async function atEveryGap(
  trial: (interrupt: <Result>(run: () => Result, intrude: () => void) => Result) => Promise<void>,
): Promise<number> {
  for (let gap = 0; ; gap++) {
    let seen = 0;
    let intruded = false;
    await trial((run, intrude) => {
      // What the intruder itself does is not interrupted.
      const result = watched(run, () => {
        if (intruded || seen++ !== gap) return;
        intruded = true;
        intrude();
      });
      if (!intruded) intrude();
      return result;
    });
    if (!intruded) return gap;
  }
}
