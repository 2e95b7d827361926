/**
 * An outbox: the outputs of a generator on their way from the worker to whoever iterates. It lies in a
 * slice that the consumer leases for the time of the task, and that the task names as its output.
 *
 *   0   SENT     outputs written so far; written by the worker, the consumer waits on it
 *   32  TAKEN    outputs taken so far; written by the consumer, the worker waits on it
 *   64  entries  RUN_AHEAD of them, used in turns; the worker fills one only when it was taken before:
 *
 *       0  KIND   see below
 *       1  SIZE   bytes, in the entry itself or in a slice
 *       2  REF    the slice that the worker hands over, or −1
 *       3  LEASE  its word
 *       4  VALUE  two words, a float64
 *       6  BYTES  up to 216 bytes
 *
 * Both counters have one writer. Storing SENT publishes the entry to the consumer, storing TAKEN gives it
 * back; so neither needs an exchange. A slice that is handed over stays the worker's until it is adopted:
 * if the worker dies before, the sweep has it.
 */
import { MillraceError, Slice, type BufferPools } from '@millrace/core';
import type { SlotRef } from '@millrace/core/internal';
import { deserialize, serialize } from './serialization.js';

/** So many outputs the worker may be ahead. */
const RUN_AHEAD = 16;

const SENT = 0;
const TAKEN = 32;
const ENTRIES = 64;
const ENTRY_WORDS = 60;
const KIND = 0;
const SIZE = 1;
const REF = 2;
const LEASE = 3;
const VALUE = 4;
const BYTES = 6;
const INLINE_BYTES = (ENTRY_WORDS - BYTES) * 4;
export const OUTBOX_BYTES = (ENTRIES + RUN_AHEAD * ENTRY_WORDS) * 4;

/** KIND of an output. */
const NUMBER = 0;
const NOTHING = 1;
/** Bytes, of which the consumer gets a copy. */
const AS_BYTES = 2;
/** A slice, which becomes the consumer's. */
const AS_SLICE = 3;
/** Any other value, serialized. */
const AS_VALUE = 4;

class Outbox {
  protected readonly words: Int32Array;
  protected readonly floats: Float64Array;
  protected readonly bytes: Uint8Array;
  protected readonly pools: BufferPools;

  /** @param ref the slot of the slice that it lies in */
  constructor(pools: BufferPools, ref: SlotRef) {
    const { buffer, byteOffset } = (this.bytes = pools.viewOf(ref, OUTBOX_BYTES));
    this.words = new Int32Array(buffer, byteOffset, OUTBOX_BYTES / 4);
    this.floats = new Float64Array(buffer, byteOffset, OUTBOX_BYTES / 8);
    this.pools = pools;
  }

  /** Outputs written so far, taken or not. */
  get sent(): number {
    return Atomics.load(this.words, SENT);
  }

  protected at(count: number): number {
    return ENTRIES + (count & (RUN_AHEAD - 1)) * ENTRY_WORDS;
  }
}

/** The worker's end. */
export class OutboxWriter extends Outbox {
  /** Whether another output may be sent now. */
  get hasRoom(): boolean {
    return this.#ahead < RUN_AHEAD;
  }

  /** Resolves when the consumer has taken something. It may do so without a cause. */
  async taken(): Promise<void> {
    const taken = Atomics.load(this.words, TAKEN);
    if (!this.hasRoom) await this.#change(taken);
  }

  /** Ends the waits for the consumer. */
  nudge(): void {
    Atomics.notify(this.words, TAKEN);
  }

  /**
   * Sends an output; there must be room for it. Returns a promise where it waits for memory.
   *
   * @throws what V8 throws for a value that it cannot clone; MillraceError `ERR_SLICE_FOREIGN`, or
   *   `ERR_POOL_EXHAUSTED` when others have lent all memory
   */
  send(value: unknown, signal: AbortSignal): Promise<void> | undefined {
    if (typeof value === 'number') {
      this.floats[(this.at(this.sent) + VALUE) >> 1] = value;
      this.#publish(NUMBER, 0);
    } else if (value === undefined) {
      this.#publish(NOTHING, 0);
    } else if (value instanceof Slice) {
      if (value.owner !== this.pools) {
        throw new MillraceError('ERR_SLICE_FOREIGN', 'Cannot send a slice of other memory');
      }
      this.#handOver(AS_SLICE, value);
    } else {
      return value instanceof Uint8Array
        ? this.#sendBytes(AS_BYTES, value, signal)
        : this.#sendBytes(AS_VALUE, serialize(value), signal);
    }
    return undefined;
  }

  async #change(taken: number): Promise<void> {
    const wait = Atomics.waitAsync(this.words, TAKEN, taken);
    if (wait.async) await wait.value;
  }

  get #ahead(): number {
    return (this.sent - Atomics.load(this.words, TAKEN)) | 0;
  }

  #sendBytes(kind: number, bytes: Uint8Array, signal: AbortSignal): Promise<void> | undefined {
    if (bytes.byteLength <= INLINE_BYTES) {
      const at = this.at(this.sent);
      this.bytes.set(bytes, (at + BYTES) * 4);
      this.words[at + REF] = -1;
      this.#publish(kind, bytes.byteLength);
      return undefined;
    }
    const slice = this.pools.tryAcquire(bytes.byteLength);
    if (!slice) return this.#sendLater(kind, bytes, signal);
    slice.bytes.set(bytes);
    this.#handOver(kind, slice);
    return undefined;
  }

  /** Outputs that are on their way give memory back when they are taken; when all were, none will come. */
  async #sendLater(kind: number, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    for (;;) {
      const taken = Atomics.load(this.words, TAKEN);
      const slice =
        taken === this.sent
          ? this.pools.acquire(bytes.byteLength)
          : this.pools.tryAcquire(bytes.byteLength);
      if (slice) {
        slice.bytes.set(bytes);
        this.#handOver(kind, slice);
        return;
      }
      signal.throwIfAborted();
      await this.#change(taken);
    }
  }

  #handOver(kind: number, slice: Slice): void {
    const at = this.at(this.sent);
    const { ref, lease, byteLength } = slice.handOver();
    this.words[at + REF] = ref;
    this.words[at + LEASE] = lease;
    this.#publish(kind, byteLength);
  }

  #publish(kind: number, size: number): void {
    const { sent } = this;
    const at = this.at(sent);
    this.words[at + KIND] = kind;
    this.words[at + SIZE] = size;
    // Publishes the entry to the consumer.
    Atomics.store(this.words, SENT, (sent + 1) | 0);
    Atomics.notify(this.words, SENT);
  }
}

/** The consumer's end. */
export class OutboxReader extends Outbox {
  #taken = 0;

  constructor(pools: BufferPools, ref: SlotRef) {
    super(pools, ref);
    Atomics.store(this.words, SENT, 0);
    Atomics.store(this.words, TAKEN, 0);
  }

  /** Whether an output waits to be taken. */
  get hasOutput(): boolean {
    return this.#taken !== this.sent;
  }

  /** Resolves when there is something to take, or {@link nudge} was called. It may do so without a cause. */
  async changed(): Promise<void> {
    const wait = Atomics.waitAsync(this.words, SENT, this.#taken);
    if (wait.async) await wait.value;
  }

  /** Ends the wait of {@link changed}. */
  nudge(): void {
    Atomics.notify(this.words, SENT);
  }

  /**
   * Takes the next output; there must be one.
   *
   * @throws MillraceError `ERR_SLICE_STALE` when it was swept with its worker
   */
  take(): unknown {
    const output = this.#read(this.at(this.#taken));
    this.#taken = (this.#taken + 1) | 0;
    // Gives the entry back to the worker.
    Atomics.store(this.words, TAKEN, this.#taken);
    Atomics.notify(this.words, TAKEN);
    return output;
  }

  #read(at: number): unknown {
    const kind = this.words[at + KIND]!;
    if (kind === NUMBER) return this.floats[(at + VALUE) >> 1];
    if (kind === NOTHING) return undefined;
    if (kind === AS_SLICE) return this.#adopt(at);
    const bytes = this.#copy(at);
    return kind === AS_BYTES ? bytes : deserialize(bytes);
  }

  #copy(at: number): Uint8Array {
    const start = (at + BYTES) * 4;
    if (this.words[at + REF]! < 0) return this.bytes.slice(start, start + this.words[at + SIZE]!);
    using slice = this.#adopt(at);
    return slice.bytes.slice();
  }

  #adopt(at: number): Slice {
    const { words } = this;
    return this.pools.adopt({
      ref: words[at + REF]! as SlotRef,
      lease: words[at + LEASE]!,
      byteLength: words[at + SIZE]!,
    });
  }
}
