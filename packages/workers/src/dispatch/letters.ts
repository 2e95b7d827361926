/**
 * Letters: results that do not fit a cell, and errors.
 *
 * A letter is serialized into a slice that the worker leases and hands over by its cell; whoever owns
 * the lane adopts it. So it goes from any thread to any other, and no message lies on its way. What V8
 * does not serialize but structured clone takes (shared memory, ports, keys) goes over the worker's
 * control port, which nobody listens to: such a letter is fetched when its cell says that there is one.
 * There is a port to the mill's own thread only.
 */
import { receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import type { BufferPools } from '@millrace/core';
import type { SlotRef } from '@millrace/core/internal';
import type { Traits } from './thrown.js';
import { LEASE, MILL_LANE, REF, SIZE, laneAt } from './layout.js';
import { deserialize, serialize } from './serialization.js';

export interface Letter {
  readonly value?: unknown;
  readonly error?: LetterError;
}

export interface LetterError {
  /** What was thrown, or its description where that cannot be cloned. */
  readonly cause: unknown;
  readonly message: string;
  /** The thrown thing's code. */
  readonly code?: unknown;
  /** What cloning loses of the cause. */
  readonly traits?: Traits | undefined;
  /** What it loses of the cause's own: of the system's error, for instance. */
  readonly causeTraits?: Traits | undefined;
}

interface Posted {
  readonly at: number;
  readonly letter: Letter;
}

/** A value that V8 would serialize otherwise than structured cloning does: it goes over the port. */
export class OnlyByPort {
  readonly value: unknown;

  constructor(value: unknown) {
    this.value = value;
  }
}

/** In the place of a slot: the letter comes over the port. */
const BY_PORT = -1;
/** In the place of a slot: there was no way to send it. */
const LOST = -2;

const LOST_MESSAGE = 'what it failed with could not be told, as all memory is lent';

/** The worker's side. */
export class LetterWriter {
  readonly #words: Int32Array;
  readonly #memory: { readonly pools: BufferPools };
  readonly #port: MessagePort;

  /** @param memory what has pools once they are asked for, which may fail */
  constructor(words: Int32Array, memory: { readonly pools: BufferPools }, port: MessagePort) {
    this.#words = words;
    this.#memory = memory;
    this.#port = port;
  }

  /** Sends a letter about the cell at `at`; false when it cannot be cloned. */
  send(at: number, letter: Letter): boolean {
    const { value } = letter;
    if (value instanceof OnlyByPort) return this.#sendByPort(at, { value: value.value });
    return this.#sendInSlice(at, letter) || this.#sendByPort(at, letter);
  }

  /** Says that there would be a letter about the cell at `at`. */
  lose(at: number): void {
    this.#words[at + REF] = LOST;
  }

  #sendInSlice(at: number, letter: Letter): boolean {
    try {
      const bytes = serialize(letter);
      const slice = this.#memory.pools.acquire(bytes.byteLength);
      slice.bytes.set(bytes);
      const { ref, lease, byteLength } = slice.handOver();
      this.#words[at + REF] = ref;
      this.#words[at + LEASE] = lease;
      this.#words[at + SIZE] = byteLength;
      return true;
    } catch {
      // V8 cannot serialize it, or all memory is lent, or there is no file left to load pools from.
      return false;
    }
  }

  #sendByPort(at: number, letter: Letter): boolean {
    if (laneAt(at) !== MILL_LANE) return false;
    try {
      this.#port.postMessage({ at, letter } satisfies Posted);
    } catch {
      return false;
    }
    this.#words[at + REF] = BY_PORT;
    return true;
  }
}

/** The side of a lane's owner. */
export class LetterReader {
  readonly #words: Int32Array;
  readonly #pools: BufferPools;
  readonly #portOf: (worker: number) => MessagePort | undefined;
  readonly #received = new Map<number, Letter>();

  constructor(
    words: Int32Array,
    pools: BufferPools,
    portOf: (worker: number) => MessagePort | undefined,
  ) {
    this.#words = words;
    this.#pools = pools;
    this.#portOf = portOf;
  }

  /**
   * The letter about the cell at `at`; `undefined` when it is not readable yet, though posted before the
   * cell was finished, or was lost with its worker.
   */
  take(at: number, worker: number): Letter | undefined {
    const ref = this.#words[at + REF]!;
    if (ref === BY_PORT) return this.#receive(at, worker);
    if (ref === LOST) return { error: { cause: undefined, message: LOST_MESSAGE } };
    const handle = {
      ref: ref as SlotRef,
      lease: this.#words[at + LEASE]!,
      byteLength: this.#words[at + SIZE]!,
    };
    // A copy, since what is deserialized may hold views onto it.
    let bytes: Buffer;
    try {
      using slice = this.#pools.adopt(handle);
      bytes = Buffer.from(slice.bytes);
    } catch {
      // Swept with its worker.
      return undefined;
    }
    return deserialize(bytes) as Letter;
  }

  #receive(at: number, worker: number): Letter | undefined {
    const port = this.#portOf(worker);
    for (;;) {
      const letter = this.#received.get(at);
      if (letter) {
        this.#received.delete(at);
        return letter;
      }
      const message = port && receiveMessageOnPort(port);
      if (!message) return undefined;
      const posted = message.message as Posted;
      this.#received.set(posted.at, posted.letter);
    }
  }

  /** Forgets a letter about a task that did not finish. */
  discard(at: number): void {
    this.#received.delete(at);
  }
}
