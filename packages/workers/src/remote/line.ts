/**
 * A line: all that passes between two threads for one remote object. It begins as one port, over which the
 * object's methods are called, and gets more: one for each callback that is passed, and for each proxy that
 * is returned. Each port has a caller's end and an owner's end; a line holds those of its own thread.
 *
 *   main   CallerEnd ──── remote object's port ────▶ OwnerEnd   worker
 *          OwnerEnd  ◀─────── callback's port ────── CallerEnd
 */
import type { MessagePort } from 'node:worker_threads';
import type { BufferPools, MillraceError } from '@millrace/core';
import type { Note } from '../ops/parcel.js';

/** A message as comlink makes it, with the notes of the slices in it. */
export interface Message {
  readonly id: string;
  readonly type: string;
  readonly name?: string;
  readonly value?: unknown;
  readonly argumentList?: readonly Message[];
  readonly notes?: readonly Note[];
}

/** The id and the type of the first message, which has the object made. */
export const OPEN = 'OPEN';

/** Something at the end of a port that must know when the other thread has died. */
export interface End {
  die(error: MillraceError): void;
}

export class Line {
  readonly buffers: BufferPools;
  /** Called for each thing that is owned at this end; returns what is to be called when it is given up. */
  readonly enter: () => () => void;
  readonly #ends = new Set<End>();
  readonly #onEmpty: () => void;
  #fate: MillraceError | undefined;

  /** @param onEmpty called when the last of what is called from this end has been let go */
  constructor(buffers: BufferPools, enter: () => () => void, onEmpty: () => void) {
    this.buffers = buffers;
    this.enter = enter;
    this.#onEmpty = onEmpty;
  }

  /** Why nothing can pass any more. */
  get fate(): MillraceError | undefined {
    return this.#fate;
  }

  add(end: End): void {
    this.#ends.add(end);
  }

  remove(end: End): void {
    if (this.#ends.delete(end) && this.#ends.size === 0) this.#onEmpty();
  }

  /** The other thread is dead for certain. */
  die(error: MillraceError): void {
    this.#fate = error;
    for (const end of this.#ends) end.die(error);
    this.#ends.clear();
    this.#onEmpty();
  }
}

/** The owner's end of a proxy that was made before it was known over which line it goes. */
export interface Joining {
  join(line: Line): void;
}

/** By the port that is sent. */
export const departing = new WeakMap<object, Joining>();

/** The lines over which ports of proxies have come. */
export const arrived = new WeakMap<object, Line>();

/** Proxies in a message that goes out belong to its line from now on. */
export function seeOff(message: Message, line: Line): void {
  for (const port of proxiesIn(message)) departing.get(port)?.join(line);
}

/** So do those in a message that comes in. */
export function welcome(message: Message, line: Line): void {
  for (const port of proxiesIn(message)) arrived.set(port, line);
}

function proxiesIn(message: Message): MessagePort[] {
  return [message, ...(message.argumentList ?? []), message.value as Message | undefined]
    .filter((part) => part?.type === 'HANDLER' && part.name === 'proxy')
    .map((part) => part!.value as MessagePort);
}
