/**
 * Random programs for property tests: a few threads of a few operations on a few words, each operation
 * possibly skipped because of what the one before it returned.
 */
import fc from 'fast-check';
import {
  InterleavingError,
  explore,
  type Case,
  type ThreadContext,
  type World,
} from '@millrace/interleave';

export interface Step {
  readonly operation:
    | 'load'
    | 'store'
    | 'add'
    | 'exchange'
    | 'compareExchange'
    | 'wait'
    | 'waitFor'
    | 'notify'
    | 'await'
    | 'read'
    | 'write';
  readonly word: number;
  readonly a: number;
  readonly b: number;
  /** Skips the step when the one before it returned an even number. */
  readonly unlessEven: boolean;
}

export type Program = readonly (readonly Step[])[];

export function programs(
  operations: readonly Step['operation'][],
  { threads = 3, steps = 4, words = 3 } = {},
): fc.Arbitrary<Program> {
  const step = fc.record({
    operation: fc.constantFrom(...operations),
    word: fc.nat(words - 1),
    a: fc.nat(2),
    b: fc.nat(2),
    unlessEven: fc.boolean(),
  });
  const thread = fc.array(step, { minLength: 1, maxLength: steps });
  return fc.array(thread, { minLength: 2, maxLength: threads });
}

/** Runs the steps of a thread and returns what each of them returned. */
export function perform(words: Int32Array, steps: readonly Step[]): unknown[] {
  const results: unknown[] = [];
  for (const { operation, word, a, b, unlessEven } of steps) {
    const before = results.at(-1);
    if (unlessEven && typeof before === 'number' && before % 2 === 0) continue;
    results.push(performOne(words, operation, word, a, b));
  }
  return results;
}

function performOne(
  words: Int32Array,
  operation: Step['operation'],
  word: number,
  a: number,
  b: number,
): unknown {
  switch (operation) {
    case 'wait':
      return Atomics.wait(words, word, a);
    case 'waitFor':
      return Atomics.wait(words, word, a, 10);
    case 'notify':
      return Atomics.notify(words, word, a);
    case 'compareExchange':
      return Atomics.compareExchange(words, word, a, b);
    case 'load':
      return Atomics.load(words, word);
    case 'read':
      return words[word];
    case 'write':
      words[word] = a;
      return a;
    case 'await':
      while (Atomics.load(words, word) !== a);
      return a;
    default:
      return Atomics[operation](words, word, a);
  }
}

/** Distinct states in which the program's schedules end, and whether some schedule fails, and how. */
export interface Outcome {
  readonly finals: readonly string[];
  readonly failure: string;
  readonly schedules: number;
}

/** Explores a program and collects the states in which it ends. */
export function outcomeOf(
  program: Program,
  reduction: 'dpor' | 'none',
  options: Partial<Case> = {},
  stateOf: (world: World) => unknown = finalState,
): Outcome {
  const finals = new Set<string>();
  let failure = '';
  let schedules = 0;
  try {
    const report = explore({
      name: 'a random program',
      words: 4,
      threads: program.map(
        (steps) =>
          ({ words }: ThreadContext) =>
            perform(words, steps),
      ),
      check: (world) => void finals.add(JSON.stringify(stateOf(world))),
      mode: { kind: 'exhaustive', reduction },
      most: { schedules: 200_000, steps: 200 },
      ...options,
    });
    schedules = report.complete ? report.schedules : Infinity;
  } catch (error) {
    if (!(error instanceof InterleavingError)) throw error;
    failure = error.code;
  }
  return { finals: failure ? [] : [...finals].sort(), failure, schedules };
}

function finalState({ raw, results, killed }: World): unknown {
  return [[...raw], results, killed];
}
