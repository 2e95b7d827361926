/**
 * A gate: shared memory that ops in workers wait on, so that a test knows where they are.
 * It travels in an op's params.
 *
 *   word 0   1 once the gate is open
 *   word 1   how many ops have come to it
 */
import { until } from './until.ts';

export class Gate {
  readonly words = new Int32Array(new SharedArrayBuffer(8));

  /** How many ops have come to the gate. */
  get arrived(): number {
    return Atomics.load(this.words, 1);
  }

  /** Resolves once `count` ops have come to the gate. */
  async reached(count: number): Promise<void> {
    await until(() => this.arrived >= count);
  }

  /** Lets everyone through, from now on. */
  open(): void {
    Atomics.store(this.words, 0, 1);
    Atomics.notify(this.words, 0);
  }
}
