/**
 * Sized buffer pools: buffers of one size, some of them in stock.
 *
 *   get ──▶ stock ──empty──▶ grow: made by the factory
 *   put ──▶ fit? young? room? ──▶ reset ──▶ stock
 *             └─────── no ───────▶ destroyed
 *
 * The stock is a stack: what was used last is handed out first, as it may still lie in a cache; what is at the
 * bottom is not needed, and goes first when the pool shrinks. What is in stock is held by this thread: a get from
 * there asks nobody.
 */
import { MillraceError } from '../errors.js';
import type { BufferClass } from './buffer-class.js';
import type { BufferFactory } from './buffer-factory.js';
import { BufferLedger } from './buffer-ledger.js';
import { BufferWorks, PLAIN_TERMS, isShortage, type GetTerms, type Mover } from './buffer-works.js';
import { ManagedBuffer, type BufferHome, type StoredBuffer } from './managed-buffer.js';
import { checkedPoolConfig, type PoolConfig, type PoolSettings } from './managed-settings.js';
import type { PoolStatistics } from './pool-statistics.js';
import { RecentPeak } from './recent-peak.js';

/** How often a pool with a ledger of its own has upkeep. */
const UPKEEP_MS = 1000;
/** So that 10 × 1.1 makes 11, and not 12. */
const ROUNDING = 1e-9;

export class SizedBufferPool implements BufferHome {
  readonly class: BufferClass;
  readonly ledger: BufferLedger;
  readonly #works: BufferWorks;
  #stock: StoredBuffer[] = [];
  readonly #peak = new RecentPeak();
  #settings: PoolSettings;
  #bufferSize: number;
  #active = 0;
  #hits = 0;
  #misses = 0;
  #peakSize = 0;

  /**
   * @param bufferSize bytes of each buffer
   * @param ledger shared by the pools of a manager. @defaultValue its own, with upkeep once a second while in use
   * @param move what a buffer does that is resized beyond `bufferSize`. @defaultValue it refuses
   * @throws MillraceError `ERR_INVALID_ARG`
   */
  constructor(
    bufferClass: BufferClass,
    bufferSize: number,
    config: PoolConfig,
    factory: BufferFactory,
    ledger?: BufferLedger,
    move?: Mover,
  ) {
    this.class = bufferClass;
    this.#settings = checkedPoolConfig(config);
    this.#bufferSize = checkedSize(bufferSize);
    this.ledger = ledger ?? new BufferLedger();
    this.#works = new BufferWorks(this.ledger, factory, move);
    if (!ledger) this.ledger.keepUp(UPKEEP_MS, (nowMs) => this.upkeep(nowMs));
    try {
      this.#stockUp();
    } catch (error) {
      this.drain();
      throw error;
    }
  }

  get bufferSize(): number {
    return this.#bufferSize;
  }

  get settings(): PoolSettings {
    return this.#settings;
  }

  /** Buffers in stock. */
  get currentSize(): number {
    return this.#stock.length;
  }

  /**
   * A buffer from the stock, or a new one.
   *
   * @param size bytes of it that are wanted. @defaultValue all
   * @throws MillraceError `ERR_SIZE`; what the factory throws, `ERR_POOL_EXHAUSTED` for one
   */
  get(size: number = this.#bufferSize, terms: GetTerms = PLAIN_TERMS): ManagedBuffer {
    const buffer = this.take(size, terms);
    if (buffer !== undefined) return buffer;
    const now = this.ledger.now();
    const made = new ManagedBuffer(this.#grow(terms, now));
    this.#misses++;
    this.#peak.note(++this.#active);
    return this.#works.begin(made, size, terms, now);
  }

  /** Like {@link get}, but `undefined` when there is none in stock. */
  take(size: number, terms: GetTerms = PLAIN_TERMS): ManagedBuffer | undefined {
    if (!(Number.isInteger(size) && size >= 1 && size <= this.#bufferSize))
      throw this.#noSize(size);
    const now = this.ledger.now();
    const buffer = this.#fromStock(terms.oldest === true, now);
    if (buffer === undefined) return undefined;
    this.#hits++;
    this.ledger.hits++;
    this.#peak.note(++this.#active);
    return this.#works.begin(buffer, size, terms, now);
  }

  /**
   * Gives a buffer back, as its `release` does.
   *
   * @throws MillraceError `ERR_SLICE_STALE`; `ERR_SLICE_FOREIGN` when it is no buffer of this pool
   */
  put(buffer: ManagedBuffer): void {
    if (buffer.stored.home !== this) {
      throw new MillraceError(
        'ERR_SLICE_FOREIGN',
        `Cannot take buffer ${buffer.id} back as it is of another pool`,
      );
    }
    buffer.release();
  }

  /** For buffers: this one comes back. */
  takeBack(buffer: ManagedBuffer): void {
    const { stored } = buffer;
    const { ledger } = this;
    const { validateOnPut, resetOnPut, maxAgeMs, maxSize } = this.#settings;
    const now = ledger.now();
    const marked = buffer.state === 'corrupted';
    buffer.become('returned');
    this.#active--;
    ledger.end(stored, now);
    const works = this.#works;
    if (marked) return works.corrupt(buffer, now);
    if (validateOnPut && !works.validate(buffer, now)) return;
    if (now - stored.createdAt > maxAgeMs) return works.destroy(buffer, 'expired', now);
    const fits = stored.lasting && stored.capacity === this.#bufferSize;
    if (!fits || this.#stock.length >= maxSize) return works.destroy(buffer, 'returned', now);
    if (resetOnPut && !works.reset(buffer, now)) return;
    stored.size = stored.capacity;
    buffer.close();
    this.#store(stored);
  }

  /** For buffers: this one changes its size. */
  resize(buffer: ManagedBuffer, size: number): void {
    this.#works.resize(buffer, size);
  }

  /**
   * Destroys what is too old in the stock, and shrinks the pool as `shrinkThreshold` says.
   *
   * @returns how many buffers were destroyed
   */
  upkeep(nowMs: number = this.ledger.nowMs()): number {
    const { maxAgeMs, shrinkThreshold, growthFactor, initialSize } = this.#settings;
    const before = this.#works.destroyed;
    const old = this.#stock.filter(({ createdAt }) => nowMs - createdAt > maxAgeMs);
    if (old.length > 0)
      this.#stock = this.#stock.filter(({ createdAt }) => nowMs - createdAt <= maxAgeMs);
    for (const stored of old) this.#works.destroy(new ManagedBuffer(stored), 'expired', nowMs);
    const recent = this.#peak.value;
    const total = this.#active + this.#stock.length;
    if (recent < shrinkThreshold * total) {
      const enough = Math.max(initialSize, Math.ceil(recent * growthFactor - ROUNDING));
      this.#giveUp(total - enough, nowMs);
    }
    this.#peak.advance(this.#active);
    return this.#works.destroyed - before;
  }

  /**
   * Destroys the whole stock.
   *
   * @returns how many buffers that were
   */
  drain(): number {
    return this.#giveUp(this.#stock.length, this.ledger.nowMs());
  }

  /**
   * Goes by other settings from now on. Buffers of another size are destroyed: those in stock now, those in
   * use when they come back.
   *
   * @throws MillraceError `ERR_INVALID_ARG`, and all is as it was
   */
  configure(config: PoolConfig, bufferSize: number = this.#bufferSize): void {
    const settings = checkedPoolConfig(config);
    checkedSize(bufferSize);
    this.#settings = settings;
    if (bufferSize !== this.#bufferSize) this.drain();
    this.#bufferSize = bufferSize;
    this.#giveUp(this.#stock.length - settings.maxSize, this.ledger.nowMs());
    this.#stockUp();
  }

  statistics(): PoolStatistics {
    const { created, destroyed, corrupted, memory, peakMemory } = this.#works;
    const retrieved = this.#hits + this.#misses;
    const hitRate = retrieved === 0 ? 1 : this.#hits / retrieved;
    return {
      buffersCreated: created,
      buffersRetrieved: retrieved,
      buffersReturned: retrieved - this.#active,
      buffersDestroyed: destroyed,
      buffersCorrupted: corrupted,
      hits: this.#hits,
      misses: this.#misses,
      hitRate,
      missRate: 1 - hitRate,
      memoryUsage: memory,
      peakMemoryUsage: peakMemory,
      currentSize: this.#stock.length,
      peakSize: this.#peakSize,
      active: this.#active,
      recentPeak: this.#peak.value,
    };
  }

  /** The next of the stock that is fit and not too old. */
  #fromStock(oldest: boolean, nowMs: number): ManagedBuffer | undefined {
    const stock = this.#stock;
    const { maxAgeMs, validateOnGet } = this.#settings;
    while (stock.length > 0) {
      const stored = (oldest ? stock.shift() : stock.pop())!;
      const buffer = new ManagedBuffer(stored);
      if (nowMs - stored.createdAt > maxAgeMs) this.#works.destroy(buffer, 'expired', nowMs);
      else if (!validateOnGet || this.#works.validate(buffer, nowMs)) return buffer;
    }
    return undefined;
  }

  /** Makes a buffer to be handed out, and as many for the stock as `growthFactor` says and memory allows. */
  #grow(terms: GetTerms, nowMs: number): StoredBuffer {
    terms.checkSpare?.();
    const { growthFactor, maxSize } = this.#settings;
    const grown = Math.ceil(this.#active * growthFactor - ROUNDING) - this.#active;
    const stored = this.#works.make(this, this.class, this.#bufferSize, terms, nowMs);
    const frugal = terms.critical || terms.checkSpare !== undefined;
    const spare = frugal ? 0 : Math.min(grown - 1, maxSize);
    try {
      this.#fill(spare, nowMs);
    } catch (error) {
      this.#store(stored);
      throw error;
    }
    return stored;
  }

  /** Takes beforehand what is to be there. */
  #stockUp(): void {
    const { initialSize } = this.#settings;
    this.#fill(initialSize - this.#active - this.#stock.length, this.ledger.nowMs());
  }

  /** As many more in stock, or as few as memory allows. */
  #fill(count: number, nowMs: number): void {
    for (let left = count; left > 0; left--) {
      try {
        this.#store(this.#works.make(this, this.class, this.#bufferSize, PLAIN_TERMS, nowMs));
      } catch (error) {
        if (isShortage(error)) return;
        throw error;
      }
    }
  }

  #store(stored: StoredBuffer): void {
    const size = this.#stock.push(stored);
    if (size > this.#peakSize) this.#peakSize = size;
  }

  /** Destroys so many of the stock, those used longest ago first. */
  #giveUp(count: number, nowMs: number): number {
    const given = count > 0 ? this.#stock.splice(0, count) : [];
    for (const stored of given) this.#works.destroy(new ManagedBuffer(stored), 'idle', nowMs);
    return given.length;
  }

  #noSize(size: number): MillraceError {
    return new MillraceError(
      'ERR_SIZE',
      `Cannot get a buffer of ${String(size)} bytes as the size must be an integer from 1 to ${this.#bufferSize}`,
    );
  }
}

function checkedSize(bufferSize: number): number {
  if (Number.isSafeInteger(bufferSize) && bufferSize >= 1) return bufferSize;
  throw new MillraceError(
    'ERR_INVALID_ARG',
    `Cannot make a pool with a buffer size of ${String(bufferSize)} as it must be an integer of 1 or more`,
  );
}
