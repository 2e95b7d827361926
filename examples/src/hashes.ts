/**
 * SHA-256 of many objects at a time, each growing bit by bit: what `upload-server.ts` calls on a worker.
 *
 * A hash cannot be cut into chunks, so its state stays on one thread: these functions belong on a mill of
 * one thread. Should that thread end, the states are lost, and the next call for them says so.
 */
import { createHash, type Hash } from 'node:crypto';
import { defineFunction, type Slice } from 'millrace';

interface State {
  readonly hash: Hash;
  bytes: number;
}

const states = new Map<number, State>();

/** Goes on with object `id`, of which `at` bytes were hashed before. */
export const extend = defineFunction(
  import.meta.url,
  'extend',
  (id: number, at: number, slice: Slice): void => {
    if (at === 0) states.set(id, { hash: createHash('sha256'), bytes: 0 });
    const state = states.get(id);
    if (state?.bytes !== at) throw new Error(`The hash of object ${id} was lost at byte ${at}`);
    // Read where it lies, in shared memory.
    state.hash.update(slice.bytes);
    state.bytes += slice.byteLength;
  },
);

/** The digest of object `id`, in hexadecimal digits. */
export const digest = defineFunction(
  import.meta.url,
  'digest',
  (id: number, bytes: number): string => {
    const state = bytes === 0 ? { hash: createHash('sha256'), bytes } : states.get(id);
    if (state?.bytes !== bytes) throw new Error(`The hash of object ${id} was lost at its end`);
    states.delete(id);
    return state.hash.digest('hex');
  },
);

/** Gives object `id` up. */
export const forget = defineFunction(import.meta.url, 'forget', (id: number): void => {
  states.delete(id);
});

/** How many objects are being hashed. */
export const underWay = defineFunction(import.meta.url, 'underWay', (): number => states.size);
