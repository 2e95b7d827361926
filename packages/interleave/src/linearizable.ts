/**
 * Linearizability: whether operations that overlapped in time can be explained by some order in which each
 * takes effect at one moment between its beginning and its end.
 *
 * The search takes any operation that may come next, asks the model whether its result fits, and goes on
 * from the model's next state, or back. What was tried is remembered: the operations taken, and the state
 * they led to. Operations on different keys are searched apart.
 *
 * Sources: J. Wing, C. Gong, "Testing and Verifying Concurrent Objects", JPDC 1993; G. Lowe, "Testing for
 * Linearizability", CCPE 2017 (memoisation); A. Horn, D. Kroening, "Faster Linearizability Checking via
 * P-compositionality", FORTE 2015 (keys).
 */
import type { Operation } from './case.js';

/** A sequential object, as its specification has it. */
export interface Model<State> {
  /** The state before the first operation. */
  readonly initial: State;
  /**
   * The state after `operation`, or `undefined` when its result does not fit the state. States are not
   * changed in place. An operation without an end (`respondedAt` is `Infinity`) has no result: any fits.
   */
  next(this: void, state: State, operation: Operation): State | undefined;
  /** Operations with different keys do not affect each other, and each key has a state of its own. */
  keyOf?(this: void, operation: Operation): string | number;
  /** What tells states apart. @defaultValue `JSON.stringify` */
  identify?(this: void, state: State): string;
}

/** The most operations of one key that can be searched. */
const MOST_OPERATIONS = 30;

/**
 * True when the history can be explained by the model. Operations of threads that were killed in them may
 * have taken effect, at any time after they began, or not.
 *
 * @throws RangeError with more than 30 operations of one key
 */
export function linearizable<State>(history: readonly Operation[], model: Model<State>): boolean {
  return unexplained(history, model) === undefined;
}

/**
 * Like {@link linearizable}, for checks.
 *
 * @throws Error that lists the operations which cannot be explained
 */
export function assertLinearizable<State>(
  history: readonly Operation[],
  model: Model<State>,
): void {
  const operations = unexplained(history, model);
  if (!operations) return;
  const lines = operations
    .toSorted((a, b) => a.invokedAt - b.invokedAt)
    .map((operation) => `  ${describe(operation)}`);
  throw new Error(`No order of these operations explains their results:\n${lines.join('\n')}`);
}

/** The operations of the first key that cannot be explained. */
function unexplained<State>(
  history: readonly Operation[],
  model: Model<State>,
): readonly Operation[] | undefined {
  if (!model.keyOf) return search(history, model) ? undefined : history;
  const byKey = new Map<string | number, Operation[]>();
  for (const operation of history) {
    const key = model.keyOf(operation);
    const operations = byKey.get(key);
    if (operations) operations.push(operation);
    else byKey.set(key, [operation]);
  }
  return [...byKey.values()].find((operations) => !search(operations, model));
}

function search<State>(operations: readonly Operation[], model: Model<State>): boolean {
  if (operations.length > MOST_OPERATIONS) {
    throw new RangeError(
      `Cannot search the orders of ${operations.length} operations, as the most of one key is ${MOST_OPERATIONS}`,
    );
  }
  const identify = model.identify ?? ((state: State) => JSON.stringify(state));
  const seen = new Set<string>();
  const before = operations.map((_, i) => whatPrecedes(operations, i));
  /** The operations that have responded: each must take effect. */
  let required = 0;
  for (const [i, { respondedAt }] of operations.entries()) {
    if (respondedAt !== Infinity) required |= 1 << i;
  }

  const explains = (taken: number, state: State): boolean => {
    if ((taken & required) === required) return true;
    const key = `${taken} ${identify(state)}`;
    if (seen.has(key)) return false;
    seen.add(key);
    for (const [i, operation] of operations.entries()) {
      if ((taken & (1 << i)) !== 0 || (before[i]! & ~taken) !== 0) continue;
      const next = model.next(state, operation);
      if (next !== undefined && explains(taken | (1 << i), next)) return true;
    }
    return false;
  };
  return explains(0, model.initial);
}

/** The operations, as a mask, that ended before the operation `i` began; or came before it in its own thread. */
function whatPrecedes(operations: readonly Operation[], i: number): number {
  const { invokedAt, thread } = operations[i]!;
  let mask = 0;
  for (const [j, other] of operations.entries()) {
    if (other.respondedAt < invokedAt || (other.thread === thread && j < i)) mask |= 1 << j;
  }
  return mask;
}

function describe({ thread, name, args, result, invokedAt, respondedAt }: Operation): string {
  const end = respondedAt === Infinity ? 'did not end' : `= ${String(result)}, step ${respondedAt}`;
  return `process ${thread}: step ${invokedAt}, ${name}(${args.map(String).join(', ')}) ${end}`;
}
