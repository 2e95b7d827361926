/**
 * The drain loop: claims tasks from shared memory and runs them, spins a little when there are none,
 * then parks. As long as no op is asynchronous, it never returns to the thread's event loop.
 */
import type { MessagePort } from 'node:worker_threads';
import { BufferPools } from '@millrace/core';
import { CONFIG, cellAt } from '../dispatch/layout.js';
import { TaskTable } from '../dispatch/task-table.js';
import { WakeUp } from '../dispatch/wake-up.js';
import { LoadedOps, type LoadedOp } from '../ops/loaded-ops.js';
import { Execution } from './execution.js';
import type { Welcome } from './messages.js';
import { SpinBudget } from './spin-budget.js';

export class Drain {
  readonly #me: number;
  readonly #words: Int32Array;
  readonly #table: TaskTable;
  readonly #wakeUp: WakeUp;
  readonly #ops: LoadedOps;
  readonly #execution: Execution;
  readonly #spinners: number;
  readonly #spin = new SpinBudget();
  /** Tasks whose op has returned a promise that is not settled yet. */
  #pending = 0;
  #onSettled: (() => void) | undefined;

  constructor(port: MessagePort, welcome: Welcome) {
    this.#me = welcome.thread;
    this.#words = new Int32Array(welcome.dispatch);
    this.#table = new TaskTable(this.#words);
    this.#wakeUp = new WakeUp(this.#words);
    const pools = BufferPools.attach(welcome.memory, welcome.thread, {
      onUnknownArena: () => this.#ops.drainPort(),
    });
    this.#ops = new LoadedOps(port, welcome.ops, (renewal) => pools.takeRenewal(renewal));
    this.#spinners = welcome.spinners;
    this.#execution = new Execution(this.#words, pools, port);
  }

  async run(): Promise<void> {
    for (;;) {
      let cell = this.#table.claim(this.#me);
      if (cell < 0) cell = this.#look();
      if (cell < 0) {
        if (this.#wakeUp.closing && this.#pending === 0) return;
        await this.#rest();
        continue;
      }
      // Whoever takes a task and leaves others behind fetches help.
      if (this.#table.waiting) this.#wakeUp.wakeOne();
      const op = this.#ops.get(this.#words[cellAt(cell) + CONFIG]!);
      const settled = op ? this.#start(cell, op) : await this.#loadAndStart(cell);
      // With asynchronous ops under way, the event loop gets its turn between tasks.
      if (!settled || this.#pending > 0) await turn();
    }
  }

  /** Runs the task; false when it goes on asynchronously. */
  #start(cell: number, op: LoadedOp): boolean {
    const going = this.#execution.run(cell, op);
    if (!going) {
      this.#finish(cell);
      return true;
    }
    this.#pending++;
    // The execution never rejects: a failure of the op is its outcome.
    void going.then(() => {
      this.#pending--;
      this.#finish(cell);
      this.#onSettled?.();
    });
    return false;
  }

  async #loadAndStart(cell: number): Promise<boolean> {
    let op: LoadedOp;
    try {
      op = await this.#ops.load(this.#words[cellAt(cell) + CONFIG]!);
    } catch (error) {
      this.#execution.fail(cell, error);
      this.#finish(cell);
      return true;
    }
    return this.#start(cell, op);
  }

  #finish(cell: number): void {
    this.#table.finish(cell, this.#me);
    this.#wakeUp.signal();
  }

  /** Looks for work for as long as it has lately been worth it; -1 when none came. */
  #look(): number {
    if (this.#pending > 0 || this.#wakeUp.spinning >= this.#spinners) return -1;
    this.#wakeUp.startSpinning(this.#me);
    const cell = this.#spin.until(() => this.#table.claim(this.#me));
    this.#wakeUp.stopSpinning(this.#me);
    return cell;
  }

  /** Parks until there is work, or the mill closes, or an asynchronous op has settled. */
  async #rest(): Promise<void> {
    this.#ops.drainPort();
    this.#wakeUp.announce(this.#me);
    // Once more, now that whoever publishes can see us.
    if (this.#table.waiting || this.#wakeUp.closing) {
      this.#wakeUp.withdraw(this.#me);
      if (this.#pending > 0) await turn();
      return;
    }
    if (this.#pending === 0) {
      this.#wakeUp.park(this.#me);
    } else {
      const settled = new Promise<void>((resolve) => (this.#onSettled = resolve));
      await Promise.race([settled, this.#wakeUp.parkAsync(this.#me)]);
      this.#onSettled = undefined;
    }
    this.#wakeUp.withdraw(this.#me);
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
