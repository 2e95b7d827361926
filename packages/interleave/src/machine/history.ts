/**
 * The history: the operations that threads announce, and the steps in which each began and ended.
 *
 * An operation lasts from its first access to its last, which is the narrowest interval and so the
 * hardest to explain. When a thread is run again, its operations are noted anew; what was noted in the
 * part that is only repeated stays as it was.
 */
import type { Operation } from '../case.js';
import type { Observer } from './observer.js';
import type { State } from './state.js';
import { INVOKES, NONE, RESPONDS } from './trace.js';

/** An operation of one process, as it stands in the process's record. */
interface Noted {
  readonly name: string;
  readonly args: readonly unknown[];
  result: unknown;
  /** The slots of the record where it began, and before which it ended. */
  readonly slot: number;
  endSlot: number;
  invokedAt: number;
  respondedAt: number;
}

/** How far the process that runs has come. */
export interface Position {
  readonly process: number;
  /** The next slot of its record. */
  readonly slot: number;
  /** It only repeats what stands in its record. */
  readonly repeats: boolean;
  /** It has yet to perform the operation that it was chosen for. */
  readonly isDue: boolean;
  /** It is being suspended. */
  readonly unwinds: boolean;
}

export class History {
  readonly #state: State;
  readonly #noted: Noted[][];
  observer: Observer | undefined;
  /** How many operations the process that runs has announced, and the first of them without an access. */
  #announced = 0;
  #unbegun = NONE;

  constructor(state: State) {
    this.#state = state;
    this.#noted = state.records.map(() => []);
  }

  /** The process is run again, up to `slot` as it was: forgets what it did beyond that in other schedules. */
  rewind(process: number, slot: number): void {
    this.#announced = 0;
    this.#unbegun = NONE;
    const noted = this.#noted[process]!;
    while (noted.length > 0 && noted[noted.length - 1]!.slot >= slot) noted.pop();
    for (const operation of noted) if (operation.endSlot > slot) operation.endSlot = Infinity;
  }

  /** Runs an operation of the process at `position`, which goes on meanwhile. */
  run<T>(position: Position, name: string, args: readonly unknown[], run: () => T): T {
    const { process } = position;
    const count = this.#announced++;
    if (!position.repeats) {
      this.#noted[process]![count] = {
        name,
        args,
        result: undefined,
        slot: position.slot,
        endSlot: Infinity,
        invokedAt: NONE,
        respondedAt: Infinity,
      };
      if (this.#unbegun === NONE) this.#unbegun = count;
      if (!position.isDue) this.observer?.invoke(process, name, args);
    }
    const result = run();
    if (!position.unwinds && !position.isDue && !position.repeats) {
      this.#respond(position, count, result);
    }
    return result;
  }

  /** The process has made an access: whatever it has announced has begun. */
  access(process: number): void {
    if (this.#unbegun === NONE) return;
    const last = this.#state.lastOf[process]!;
    if (last !== NONE) this.#state.trace.flags[last]! |= INVOKES;
    for (let count = this.#unbegun; count < this.#announced; count++) {
      this.#noted[process]![count]!.invokedAt = last;
    }
    this.#unbegun = NONE;
  }

  #respond({ process, slot }: Position, count: number, result: unknown): void {
    // An operation without any access lasts no longer than the step before it.
    this.access(process);
    const last = this.#state.lastOf[process]!;
    if (last !== NONE) this.#state.trace.flags[last]! |= RESPONDS;
    const operation = this.#noted[process]![count]!;
    operation.result = result;
    operation.endSlot = slot;
    operation.respondedAt = last;
    this.observer?.respond(process, operation.name, result);
  }

  /** The operations of the current schedule that have begun. */
  operations(): Operation[] {
    const { slots, threads, killed } = this.#state;
    const operations: Operation[] = [];
    for (const [thread, noted] of this.#noted.entries()) {
      if (thread >= threads && (killed & (1 << (thread - threads))) === 0) continue;
      const slot = slots[thread]!;
      for (const operation of noted) {
        const { name, args, invokedAt } = operation;
        const ended = operation.endSlot <= slot;
        if (operation.slot >= slot && !ended) break;
        operations.push({
          thread,
          name,
          args,
          result: ended ? operation.result : undefined,
          invokedAt,
          respondedAt: ended ? operation.respondedAt : Infinity,
        });
      }
    }
    return operations;
  }
}
