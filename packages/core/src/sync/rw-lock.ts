/**
 * A readers-writer lock: many read at a time, or one writes.
 *
 *   line 0    a mutex for the writers among themselves
 *   then      the gate and the readers' words, see `reader-gate.ts`
 *
 *   reader    counts itself; is the gate open? in.   Else it steps back, asks, and waits on its own word
 *   writer    takes the mutex, closes the gate, waits until no thread reads
 *
 * It is phase-fair: a writer that leaves admits all who ask before another can close the gate, and who
 * comes to a closed gate asks. So reading and writing take turns when both are wanted. A reader waits for one
 * writer at most, a writer for one round of readers for each writer before it. To prefer writers
 * would starve readers, and the other way round. Among themselves writers are served in any order.
 *
 * Who reads and who writes stands in words that name the thread, changed in one step. A dead reader's
 * count is wiped. A dead writer's gate opens marked: all are told `abandoned` until a writer who was
 * told has unlocked.
 *
 * Source: phase-fair locks are B. Brandenburg, J. Anderson, "Spin-based reader-writer synchronization
 * for multiprocessor real-time systems", 2010.
 */
import { LINE, MAX_THREADS } from '../memory/layout.js';
import type { ThreadId } from '../threads/registry.js';
import { Doorbell } from './doorbell.js';
import { checkPlacement, checkThread, syncError } from './errors.js';
import { Hold, type LockOutcome } from './hold.js';
import { Mutex } from './mutex.js';
import { Patience, type Ending, type WaitLimits } from './patience.js';
import { TaskQueue } from './queue.js';
import { ReaderGate } from './reader-gate.js';
import { Waiter, type SyncOptions } from './waiter.js';

const READ = 'lock for reading';
const WRITE = 'lock for writing';

/** Who reads, who writes, and who wants to. */
export interface RwLockStats {
  /** Who writes, or waits only for readers to stop. */
  readonly writer: ThreadId | undefined;
  /** A writer has died, and nobody has repaired yet what it left. */
  readonly abandoned: boolean;
  readonly readers: { readonly thread: ThreadId; readonly count: number }[];
  readonly waitingReaders: ThreadId[];
  /** Threads that wait for another writer. */
  readonly waitingWriters: ThreadId[];
}

/**
 * Many read at a time, or one writes; readers and writers take turns.
 *
 * Source: B. Brandenburg, J. Anderson, "Spin-based reader-writer synchronization for multiprocessor
 * real-time systems", 2010.
 */
export class RwLock {
  readonly #words: Int32Array;
  readonly #at: number;
  readonly #thread: ThreadId;
  readonly #waiter: Waiter;
  readonly #writers: Mutex;
  readonly #gate: ReaderGate;
  readonly #bell: Doorbell;
  readonly #drainBell: Doorbell;
  /** Tasks that want to read, but for the one that asks. */
  readonly #tasks = new TaskQueue<'read', LockOutcome | 'ask'>();
  /** A task of this thread asks. */
  #asking = false;
  #reading = 0;
  #writing = false;

  /** @throws MillraceError `ERR_INVALID_ARG` when it does not fit at `at`, or `thread` is no thread id */
  constructor(words: Int32Array, at: number, thread: ThreadId, options: SyncOptions = {}) {
    checkPlacement('rw-lock', words, at, RwLock.words(thread), thread);
    this.#words = words;
    this.#at = at;
    this.#thread = thread;
    this.#waiter = options.waiter ?? new Waiter();
    this.#writers = new Mutex(words, at, thread, { waiter: this.#waiter });
    this.#gate = new ReaderGate(words, at + LINE, thread);
    this.#bell = new Doorbell(words, this.#gate.mine);
    this.#drainBell = new Doorbell(words, this.#gate.drainAt);
  }

  /** Words that it takes for threads with ids up to `maxThread`, zero at first; it should start on a line. */
  static words(maxThread: number = MAX_THREADS - 1): number {
    return LINE + ReaderGate.words(maxThread);
  }

  /** Locks for reading if no writer is there or waits; else returns undefined. */
  tryReadLock(): LockOutcome | undefined {
    if (this.#gate.start() > 0 || !this.#gate.closed) return this.#nowReading();
    this.#gate.stop();
    return undefined;
  }

  /**
   * Locks for reading, together with any number of others; blocks this thread while somebody writes,
   * or waits to write and was there first. A thread that reads already is let in at once.
   *
   * @returns `abandoned` when the last writer died while it wrote, and no other has repaired it since
   * @throws MillraceError `ERR_TIMEOUT`, `ERR_ABORTED`; `ERR_DEADLOCK` when this thread writes;
   *   `ERR_CANNOT_BLOCK` when it would have to wait on a thread that may not block
   */
  readLock(limits?: WaitLimits): LockOutcome {
    const patience = limits === undefined ? undefined : Patience.of(READ, limits);
    // Counts the reader, then looks for a writer; a writer does it the other way round.
    if (this.#gate.start() > 0 || !this.#gate.closed) return this.#nowReading();
    return this.#readSlowly(patience ?? Patience.of(READ, undefined));
  }

  /**
   * Locks for reading without blocking this thread. Each task is a reader of its own: it waits behind
   * a writer even when another task of this thread reads.
   *
   * @returns as {@link readLock}
   * @throws MillraceError `ERR_TIMEOUT`, `ERR_ABORTED`
   */
  async readLockAsync(limits?: WaitLimits): Promise<LockOutcome> {
    const patience = Patience.of(READ, limits);
    if (this.#asking) {
      const turn = await this.#tasks.join('read', patience);
      if (turn === 'clean' || turn === 'abandoned') return turn;
      if (turn !== 'ask') throw patience.error(turn);
    } else {
      this.#gate.start();
      if (!this.#gate.closed) return this.#nowReading();
      this.#gate.stepBack();
      this.#asking = true;
    }
    const outcome = await this.#untilAnswered(patience);
    if (outcome === 'clean' || outcome === 'abandoned') return outcome;
    throw patience.error(outcome);
  }

  /** @throws MillraceError `ERR_NOT_HELD` when this thread does not read */
  readUnlock(): void {
    if (this.#reading === 0) throw this.#notHeld('reading');
    this.#reading--;
    this.#gate.stop();
  }

  /** Locks for writing if nobody reads or writes; else returns undefined. */
  tryWriteLock(): LockOutcome | undefined {
    if (this.#writers.tryLock() === undefined) return undefined;
    this.#gate.close();
    if (this.#gate.drained) return this.#nowWriting();
    this.#giveUpWriting();
    return undefined;
  }

  /**
   * Locks for writing, alone; blocks this thread until all who read have stopped.
   *
   * @returns `abandoned` when a writer before this one died while it wrote: what the lock guards may
   *   be half done, and is to be repaired before {@link writeUnlock}
   * @throws MillraceError `ERR_TIMEOUT`, `ERR_ABORTED`; `ERR_DEADLOCK` when this thread reads or
   *   writes; `ERR_CANNOT_BLOCK` when it would have to wait on a thread that may not block
   */
  writeLock(limits?: WaitLimits): LockOutcome {
    const patience = Patience.of(WRITE, limits);
    if (this.#reading > 0) throw this.#deadlock(WRITE, 'reads');
    this.#writers.lock(patience);
    const gate = this.#gate;
    gate.close();
    gate.putBack();
    if (gate.drained || this.#waiter.spin(() => gate.drained)) return this.#nowWriting();
    const mayBlock = this.#waiter.mayBlock(this.#words, this.#at);
    for (;;) {
      const drain = Atomics.load(this.#words, gate.drainAt);
      if (gate.drained) return this.#nowWriting();
      if (mayBlock && this.#waiter.park(this.#words, gate.drainAt, drain, patience)) continue;
      this.#giveUpWriting();
      this.#waiter.requireBlocking(this.#words, this.#at);
      throw patience.error('timed out');
    }
  }

  /**
   * Locks for writing without blocking this thread.
   *
   * @returns as {@link writeLock}
   * @throws MillraceError `ERR_TIMEOUT`, `ERR_ABORTED`
   */
  async writeLockAsync(limits?: WaitLimits): Promise<LockOutcome> {
    const patience = Patience.of(WRITE, limits);
    await this.#writers.lockAsync(patience);
    const gate = this.#gate;
    gate.close();
    for (;;) {
      const drain = Atomics.load(this.#words, gate.drainAt);
      if (gate.drained) return this.#nowWriting();
      const rung = await this.#drainBell.wait(drain, patience);
      if (rung === 'rung') continue;
      this.#giveUpWriting();
      throw patience.error(rung);
    }
  }

  /** @throws MillraceError `ERR_NOT_HELD` when this thread does not write */
  writeUnlock(): void {
    if (!this.#writing) throw this.#notHeld('writing');
    this.#writing = false;
    this.#gate.open(true);
    this.#writers.unlock();
  }

  /** Like {@link readLock}, for `using`. */
  holdRead(limits?: WaitLimits): Hold {
    return new Hold(this.readLock(limits), () => this.readUnlock());
  }

  /** Like {@link readLockAsync}, for `using`. */
  async holdReadAsync(limits?: WaitLimits): Promise<Hold> {
    return new Hold(await this.readLockAsync(limits), () => this.readUnlock());
  }

  /** Like {@link writeLock}, for `using`. */
  holdWrite(limits?: WaitLimits): Hold {
    return new Hold(this.writeLock(limits), () => this.writeUnlock());
  }

  /** Like {@link writeLockAsync}, for `using`. */
  async holdWriteAsync(limits?: WaitLimits): Promise<Hold> {
    return new Hold(await this.writeLockAsync(limits), () => this.writeUnlock());
  }

  /**
   * Gives back what the dead `thread` held. It must be dead for certain, and its id must not be given
   * out again before this returns. May be called more than once, and by several.
   *
   * @throws MillraceError `ERR_INVALID_ARG` when `thread` is no thread id
   */
  reclaim(thread: ThreadId): void {
    checkThread('give back what a dead thread held', thread);
    // The gate before the mutex: the next writer then finds the mark, and nobody else can close the gate.
    this.#gate.reclaim(thread);
    this.#writers.reclaim(thread);
  }

  stats(): RwLockStats {
    const gate = this.#gate;
    const readers: { thread: ThreadId; count: number }[] = [];
    const waitingReaders: ThreadId[] = [];
    for (let id = 1; id <= gate.span; id++) {
      const thread = id as ThreadId;
      const count = gate.countOf(thread);
      if (count > 0) readers.push({ thread, count });
      if (gate.asks(thread)) waitingReaders.push(thread);
    }
    const { sleeping, listening } = this.#writers.stats();
    const { writer, abandoned } = gate;
    return {
      writer,
      abandoned,
      readers,
      waitingReaders,
      waitingWriters: [...sleeping, ...listening],
    };
  }

  #readSlowly(patience: Patience): LockOutcome {
    const gate = this.#gate;
    if (gate.writer === this.#thread || !this.#waiter.mayBlock(this.#words, this.#at)) {
      gate.stop();
      this.#waiter.requireBlocking(this.#words, this.#at);
      throw this.#deadlock(READ, 'writes');
    }
    gate.stepBack();
    if (!this.#waiter.spin(() => gate.look() === 0)) {
      for (let word = gate.look(); word !== 0; word = gate.look()) {
        if (this.#waiter.park(this.#words, gate.mine, word, patience)) continue;
        if (!this.#asking) gate.withdraw();
        throw patience.error('timed out');
      }
    }
    const outcome = this.#nowReading();
    this.#admitTasks();
    return outcome;
  }

  /** For the task that asks: waits for the answer; a task that gives up lets the next one ask. */
  async #untilAnswered(patience: Patience): Promise<LockOutcome | Ending> {
    const gate = this.#gate;
    for (;;) {
      const word = gate.look();
      if (word === 0) {
        this.#asking = false;
        const outcome = this.#nowReading();
        this.#admitTasks();
        return outcome;
      }
      const rung = await this.#bell.wait(word, patience);
      if (rung === 'rung') continue;
      if (!this.#tasks.call('ask')) {
        this.#asking = false;
        gate.withdraw();
      }
      return rung;
    }
  }

  /** This thread reads: lets in all its tasks that have waited. */
  #admitTasks(): void {
    while (this.#tasks.length > 0) {
      this.#gate.start();
      this.#tasks.call(this.#nowReading());
    }
  }

  #nowReading(): LockOutcome {
    this.#reading++;
    return this.#gate.abandoned ? 'abandoned' : 'clean';
  }

  #nowWriting(): LockOutcome {
    this.#writing = true;
    return this.#gate.abandoned ? 'abandoned' : 'clean';
  }

  #giveUpWriting(): void {
    this.#gate.open(false);
    this.#writers.unlock();
  }

  #deadlock(action: string, state: string): Error {
    return syncError(
      'ERR_DEADLOCK',
      `Cannot ${action} as this thread ${state} already: thread ${this.#thread} would wait for itself`,
    );
  }

  #notHeld(state: string): Error {
    return syncError(
      'ERR_NOT_HELD',
      `Cannot unlock the rw-lock as thread ${this.#thread} does not hold it for ${state}`,
    );
  }
}
