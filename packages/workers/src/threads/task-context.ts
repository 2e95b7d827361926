/** What an op is told of its task: views and flags out of the task's cell, made when they are asked for. */
import type { BufferPools } from '@millrace/core';
import type { SlotRef } from '@millrace/core/internal';
import {
  CANCEL,
  FLAGS,
  INPUT,
  LARGE,
  LAST,
  LEAD,
  LENGTH,
  OFFSET,
  OUTPUT,
  ROOM,
} from '../dispatch/layout.js';
import type { OpContext, TaskMill } from '../ops/definition.js';
import { TaskSubmitter, type OutletSource } from './task-mill.js';
import type { ThreadMemory } from './thread-memory.js';

const EMPTY = new Uint8Array(new SharedArrayBuffer(0));

/** What all tasks of a thread have in common. */
export interface Surroundings {
  readonly words: Int32Array;
  readonly memory: ThreadMemory;
  readonly outlet: OutletSource;
  readonly breathe: () => void;
}

export class TaskContext implements OpContext {
  readonly #memory: ThreadMemory;
  readonly #words: Int32Array;
  readonly #at: number;
  readonly #breathe: () => void;
  readonly last: boolean;
  readonly state: unknown;
  readonly #outputSlot: number;
  readonly #room: number;
  readonly #inputSlot: number;
  readonly #offset: number;
  readonly #leadBytes: number;
  readonly #inputBytes: number;
  readonly #outlet: OutletSource;
  readonly #large: boolean;
  #output: Uint8Array | undefined = undefined;
  #abort: AbortController | undefined = undefined;
  #ended = false;

  /** @param at where the task's cell is */
  constructor({ words, memory, outlet, breathe }: Surroundings, at: number, state: unknown) {
    this.#words = words;
    this.#at = at;
    this.#outlet = outlet;
    this.#breathe = breathe;
    this.#large = (words[at + FLAGS]! & LARGE) !== 0;
    this.#memory = memory;
    this.state = state;
    this.last = (words[at + FLAGS]! & LAST) !== 0;
    // The result takes the place of some of these in the cell.
    this.#outputSlot = words[at + OUTPUT]!;
    this.#room = words[at + ROOM]!;
    this.#inputSlot = words[at + INPUT]!;
    this.#offset = words[at + OFFSET]!;
    this.#leadBytes = words[at + LEAD]!;
    this.#inputBytes = words[at + LENGTH]!;
  }

  get buffers(): BufferPools {
    return this.#memory.pools;
  }

  get output(): Uint8Array {
    if (this.#outputSlot < 0) return EMPTY;
    return (this.#output ??= this.#memory.viewOf(this.#outputSlot as SlotRef, this.#room));
  }

  get lead(): Uint8Array {
    if (this.#leadBytes === 0) return EMPTY;
    const start = this.#offset;
    const end = start + this.#leadBytes;
    return this.#memory
      .viewOf(this.#inputSlot as SlotRef, end + this.#inputBytes)
      .subarray(start, end);
  }

  get mill(): TaskMill {
    return new TaskSubmitter(this.#outlet, this.#large);
  }

  breathe(): void {
    this.#breathe();
  }

  get cancelled(): boolean {
    return !this.#ended && Atomics.load(this.#words, this.#at + CANCEL) !== 0;
  }

  get signal(): AbortSignal {
    this.#abort ??= watched(() => this.cancelled);
    if (this.cancelled) this.#abort.abort();
    return this.#abort.signal;
  }

  /** Tells the signal's listeners, if the task was cancelled. */
  tell(): void {
    if (this.#abort && this.cancelled) this.#abort.abort();
  }

  /** The task has ended: the cell is another's from now on. */
  end(): void {
    this.#ended = true;
  }
}

/**
 * A controller whose signal looks for itself: an op that does not let the event loop turn can ask it,
 * though nobody could call its listeners.
 */
function watched(cancelled: () => boolean): AbortController {
  const controller = new AbortController();
  const { signal } = controller;
  const look = (): void => {
    if (cancelled()) controller.abort();
  };
  const { prototype } = AbortSignal;
  Object.defineProperties(signal, {
    aborted: {
      get(): unknown {
        look();
        return Reflect.get(prototype, 'aborted', signal);
      },
    },
    throwIfAborted: {
      value(): void {
        look();
        prototype.throwIfAborted.call(signal);
      },
    },
  });
  return controller;
}
