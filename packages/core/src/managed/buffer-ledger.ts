/**
 * The ledger of a manager: the clock, the sums over all its pools, who has what, and whom to tell. All pools of a
 * manager enter here what they do.
 *
 *   made ──▶ begin ──▶ (resized) ──▶ end ──▶ begin … ──▶ unmade
 */
import { wallClockMs } from '../adaptive/wall-clock.js';
import type { BufferEventSink, BufferEventType, EventSampling } from './buffer-event.js';
import { Loans } from './loans.js';
import type { StoredBuffer } from './managed-buffer.js';
import { RecentRates } from './recent-rates.js';

/** While nothing is told, sampling is asked again after so many uses. */
const ASK_AGAIN = 1024;

export interface LedgerOptions {
  /** A clock, in milliseconds. @defaultValue milliseconds since 1970 */
  readonly nowMs?: (() => number) | undefined;
  /** What the first buffer's id follows. @defaultValue 0 */
  readonly idsAfter?: number | undefined;
  readonly onEvent?: BufferEventSink | undefined;
}

export class BufferLedger {
  readonly nowMs: () => number;
  /** Who is told of events, if anybody is. */
  sink: BufferEventSink | undefined;
  /** Who waits for buffers is to be served when one comes back. */
  onReturn: (() => void) | undefined = undefined;
  /** Which uses the sink is told of; `undefined`: all. */
  #sampling: EventSampling | undefined;
  /** Uses until one is told of, or sampling is asked again. */
  #untilTold = 0;
  /** Is called every `#everyMs`, by whoever comes then. */
  #upkeep: ((nowMs: number) => void) | undefined = undefined;
  #everyMs = Infinity;
  readonly loans = new Loans();
  totalBuffers = 0;
  totalMemory = 0;
  peakMemory = 0;
  /** Bytes that users have asked for, of the buffers in use. */
  activeBytes = 0;
  activeMemory = 0;
  peakActiveMemory = 0;
  retrieved = 0;
  hits = 0;
  returned = 0;
  #lastId: number;
  #dueMs: number;
  #upkeepMs: number;
  readonly #rates: RecentRates;

  constructor({ nowMs = wallClockMs, idsAfter = 0, onEvent }: LedgerOptions = {}) {
    this.nowMs = nowMs;
    this.sink = onEvent;
    this.#lastId = idsAfter;
    const now = nowMs();
    this.#rates = new RecentRates(now);
    this.#upkeepMs = now;
    this.#dueMs = this.#rates.nextMs;
  }

  /** Buffers in use. */
  get activeBuffers(): number {
    return this.retrieved - this.returned;
  }

  /** There is upkeep `everyMs` from now on. */
  keepUp(everyMs: number, upkeep: (nowMs: number) => void): void {
    this.#upkeep = upkeep;
    this.#everyMs = everyMs;
    this.#upkeepMs = this.nowMs() + everyMs;
    this.#dueMs = Math.min(this.#rates.nextMs, this.#upkeepMs);
  }

  /** The time; what is due is done before. */
  now(): number {
    const now = this.nowMs();
    if (now >= this.#dueMs) this.#due(now);
    return now;
  }

  nextId(): number {
    return ++this.#lastId;
  }

  made({ memoryBytes }: StoredBuffer): void {
    this.totalBuffers++;
    this.totalMemory += memoryBytes;
    if (this.totalMemory > this.peakMemory) this.peakMemory = this.totalMemory;
  }

  unmade({ memoryBytes }: StoredBuffer): void {
    this.totalBuffers--;
    this.totalMemory -= memoryBytes;
  }

  /** Only some uses of buffers are told of from now on; `undefined`: all. */
  sample(sampling: EventSampling | undefined): void {
    this.#sampling = sampling;
    this.#untilTold = 0;
  }

  /** There was upkeep. */
  kept(): void {
    if (this.sink !== undefined) this.#sampling?.onUpkeep?.();
  }

  /** Whether somebody is to be told of what becomes of this buffer in use. */
  tellsOf(stored: StoredBuffer): boolean {
    if (this.sink === undefined) return false;
    return this.#sampling === undefined || stored.told || stored.leaked;
  }

  /** A buffer is in use from now on. */
  begin(stored: StoredBuffer, size: number, nowMs: number): void {
    stored.size = size;
    stored.lastUsed = nowMs;
    stored.useCount++;
    this.loans.enter(stored);
    this.activeBytes += size;
    if (this.#sampling !== undefined && this.sink !== undefined) {
      stored.told = --this.#untilTold < 0 && this.#isNext(this.#sampling);
    }
    const memory = (this.activeMemory += stored.memoryBytes);
    if (memory > this.peakActiveMemory) this.peakActiveMemory = memory;
    this.retrieved++;
  }

  /** It is not any more; how long it was stands in the event alone. */
  end(stored: StoredBuffer, nowMs: number): void {
    const { size, lastUsed } = stored;
    this.loans.leave(stored);
    this.activeBytes -= size;
    this.activeMemory -= stored.memoryBytes;
    this.returned++;
    if (this.tellsOf(stored)) this.tell('returned', stored, nowMs, nowMs - lastUsed);
    stored.lastUsed = nowMs;
    stored.leaked = false;
  }

  resized(stored: StoredBuffer, size: number): void {
    this.activeBytes += size - stored.size;
    stored.size = size;
  }

  /** Buffers handed out and given back, each a second, lately. */
  rates(): { retrieved: number; returned: number } {
    const { retrieved, returned } = this;
    return this.#rates.rates(this.nowMs(), retrieved, returned);
  }

  /** Tells of an event, where somebody listens; a sink that throws harms nobody. */
  tell(
    eventType: BufferEventType,
    { id, size, bufferClass, metadata }: Told,
    timestamp: number,
    durationMs: number,
    error?: unknown,
  ): void {
    const { sink } = this;
    if (sink === undefined) return;
    try {
      sink({
        eventType,
        bufferId: id,
        size,
        class: bufferClass,
        timestamp,
        durationMs,
        success: error === undefined,
        error,
        metadata: metadata !== undefined && metadata.size > 0 ? metadata : undefined,
      });
    } catch (thrown) {
      console.error(thrown);
    }
  }

  /** Whether the use that begins is told of. Which is next, chance decides: a load that has a beat is seen whole. */
  #isNext(sampling: EventSampling): boolean {
    const { every } = sampling;
    if (!(every >= 1)) {
      this.#untilTold = ASK_AGAIN;
      return false;
    }
    this.#untilTold = Math.floor(Math.random() * (2 * every - 1));
    return true;
  }

  #due(now: number): void {
    this.#rates.note(now, this.retrieved, this.returned);
    if (now >= this.#upkeepMs) {
      this.#upkeepMs = now + this.#everyMs;
      this.#upkeep?.(now);
    }
    this.#dueMs = Math.min(this.#rates.nextMs, this.#upkeepMs);
  }
}

/** What an event says of a buffer. */
type Told = Pick<StoredBuffer, 'id' | 'size' | 'bufferClass' | 'metadata'>;
