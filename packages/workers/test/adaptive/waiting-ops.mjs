/** Ops that submit tasks of their own while memory is short. */
import { defineOp } from '@millrace/workers';
import { gzip } from '@millrace/workers/ops';
import { sum } from '../ops.mjs';

/** Comes to the gate with all ops told to the workers, and goes on when it is open: what each of its tasks gave. */
export const submit = defineOp(import.meta.url, 'submit', {
  async run(_bytes, { gate, bytes, strategy }, { mill }) {
    const input = new Uint8Array(bytes).fill(1);
    await mill.run(sum, input);
    await mill.run(gzip, input, undefined, { strategy });
    Atomics.add(gate, 1, 1);
    while (Atomics.load(gate, 0) === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    const runs = [
      mill.run(sum, input).catch(({ code }) => code),
      mill.run(gzip, input, undefined, { strategy }).then(
        ({ length }) => length,
        ({ code }) => code,
      ),
    ];
    // By now they wait for memory.
    Atomics.add(gate, 1, 1);
    return Promise.all(runs);
  },
});
