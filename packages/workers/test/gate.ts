/**
 * A gate: shared memory that ops in workers wait on, so that a test knows where they are.
 * It travels in an op's params.
 *
 *   word 0   1 once the gate is open
 *   word 1   how many ops have come to it
 *   word 2   how many have noticed that they are to end
 */
import { until } from './until.ts';

export class Gate {
  readonly words = new Int32Array(new SharedArrayBuffer(12));

  /** How many ops have come to the gate. */
  get arrived(): number {
    return Atomics.load(this.words, 1);
  }

  /** How many ops have noticed that they are to end. */
  get noticed(): number {
    return Atomics.load(this.words, 2);
  }

  /** Resolves once `count` ops have come to the gate. */
  async reached(count: number): Promise<void> {
    await until(() => this.arrived >= count);
  }

  /** Lets so many through; for ops that count who comes. */
  letThrough(count: number): void {
    Atomics.store(this.words, 0, count);
    Atomics.notify(this.words, 0);
  }

  /** Lets everyone through, from now on. */
  open(): void {
    Atomics.store(this.words, 0, 1);
    Atomics.notify(this.words, 0);
  }
}
