/**
 * The caller's end of a port: what comlink's `wrap` speaks to. It lends the slices among the arguments,
 * takes over those in an answer, and answers itself when the other thread has died, so that no call
 * is left without an answer.
 */
import { receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import { MillraceError, type Slice } from '@millrace/core';
import { lendingNote, takeOver } from '../ops/lending.js';
import { pack, unpack } from '../ops/parcel.js';
import { OPEN, seeOff, welcome, type End, type Line, type Message } from './line.js';
import { failure, withError } from './thrown.js';

type Listener = (event: { data: Message }) => void;

export class CallerEnd implements End {
  readonly #port: MessagePort;
  readonly #line: Line;
  readonly #listeners = new Set<Listener>();
  /** Calls without an answer yet, with the slices that were lent for them. */
  readonly #pending = new Map<string, readonly Slice[]>();
  #released = false;
  #fate: MillraceError | undefined;
  readonly #closed: Promise<void>;

  constructor(port: MessagePort, line: Line) {
    this.#port = port;
    this.#line = line;
    this.#fate = line.fate;
    line.add(this);
    port.on('message', (message: Message) => this.#take(message));
    this.#closed = new Promise((resolve) => {
      port.once('close', () => {
        // Otherwise the other thread has died, of which the line will be told.
        if (this.#released && this.#pending.size === 0) line.remove(this);
        resolve();
      });
    });
    // Only calls without an answer keep the process alive.
    port.unref();
  }

  addEventListener(_type: 'message', listener: Listener): void {
    this.#listeners.add(listener);
  }

  removeEventListener(_type: 'message', listener: Listener): void {
    this.#listeners.delete(listener);
  }

  postMessage(message: Message, transfer: readonly MessagePort[] = []): void {
    const { id, type } = message;
    const refusal = this.#fate ?? (this.#released ? released() : undefined);
    if (refusal) {
      queueMicrotask(() => this.#hear(failure(id, refusal)));
      return;
    }
    if (type === 'RELEASE') this.#released = true;
    const lent: Slice[] = [];
    const note = (slice: Slice) => lendingNote(slice, this.#line.buffers, lent);
    const { value, notes } = pack(message, note);
    try {
      this.#port.postMessage({ ...(value as Message), notes }, transfer);
    } catch (cause) {
      throw new MillraceError(
        'ERR_PARAMS_NOT_CLONEABLE',
        `Cannot call a remote object as its arguments cannot be cloned to another thread: ${String(cause)}`,
        { cause },
      );
    }
    seeOff(message, this.#line);
    this.#pending.set(id, lent);
    this.#port.ref();
  }

  /** Has the object made at the other end, and resolves when it is there. */
  open(args: unknown): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAnswer = ({ data }: { data: Message }): void => {
        if (data.id !== OPEN) return;
        this.removeEventListener('message', onAnswer);
        if (data.type === 'RAW') resolve();
        else reject((data.value as { value: unknown }).value);
      };
      this.addEventListener('message', onAnswer);
      this.postMessage({ id: OPEN, type: OPEN, value: args });
    });
  }

  /** Lets go of what is at the other end. Calls under way are still answered. */
  async release(): Promise<void> {
    if (!this.#released && !this.#fate) {
      this.postMessage({ id: 'release', type: 'RELEASE' });
    }
    this.#port.ref();
    await this.#closed;
  }

  /** Nothing was made at the other end. */
  close(): void {
    this.#released = true;
    this.#line.remove(this);
    this.#port.close();
  }

  die(error: MillraceError): void {
    // Answers that came before the death are answers.
    for (;;) {
      const received = receiveMessageOnPort(this.#port);
      if (!received) break;
      this.#take(received.message as Message);
    }
    this.#fate = error;
    for (const id of this.#pending.keys()) this.#hear(failure(id, error));
    this.#pending.clear();
    this.#port.close();
  }

  #take(message: Message): void {
    const { id, notes = [] } = message;
    const lent = this.#pending.get(id) ?? [];
    this.#pending.delete(id);
    if (this.#pending.size === 0 && !this.#released) this.#port.unref();
    const adopted: Slice[] = [];
    let answer: Message;
    try {
      const { buffers } = this.#line;
      answer = withError(
        unpack(message, notes, (note) => takeOver(note, buffers, lent, adopted)) as Message,
      );
    } catch (error) {
      for (const slice of adopted) slice.release();
      answer = failure(id, error);
    }
    welcome(answer, this.#line);
    this.#hear(answer);
  }

  #hear(data: Message): void {
    for (const listener of this.#listeners) listener({ data });
  }
}

function released(): MillraceError {
  return new MillraceError(
    'ERR_REMOTE_RELEASED',
    'Cannot call a remote object that has been released',
  );
}
