/**
 * The line for memory: who finds none free waits here, first come, first served.
 *
 * Nobody holds anything while it waits. Who needs input and output gets both or none, so that many who
 * hold the one and wait for the other cannot bring each other to a stop. There is a line for each size
 * class, so that who needs little does not wait behind who needs much.
 *
 * Patience ends when for so long nobody in the line has been served: a long line that moves on is not an
 * emergency.
 */
import { LARGEST_CLASS_BYTES, MillraceError, type BufferPools, type Slice } from '@millrace/core';
import { CLASS_COUNT, classOf } from '@millrace/core/internal';
import { abortedBy } from '../dispatch/task-options.js';

/** How often one looks whether other threads have freed something. */
const LOOK_EVERY_MS = 5;

/** What an operation, or a chunk of one, is given. */
export interface Lot {
  readonly input: Slice | undefined;
  readonly output: Slice | undefined;
}

/** What it needs. */
export interface Need {
  /** What for: the name of an op, for the error. */
  readonly name: string;
  /** 0 when it has its input, or needs none. */
  readonly inputBytes: number;
  /** 0 when it writes no bytes of its own. */
  readonly outputBytes: number;
  /** The input that it has already: the output is to lie in the same arena. */
  readonly given?: Slice | undefined;
}

export interface Patience {
  /** How long nobody in the line may be served. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** One that waits. */
interface Waiter {
  readonly need: Need;
  /** Aborted when it goes without having been served. */
  readonly gone: AbortController;
  resolve(lot: Lot): void;
  reject(error: unknown): void;
}

interface Line {
  readonly waiters: Waiter[];
  /** When somebody in it was served last. */
  movedAt: number;
}

export class MemoryLine {
  readonly #pools: BufferPools;
  readonly #onWait: () => void;
  /** By size class; those that are not empty. */
  readonly #lines = new Map<number, Line>();
  #length = 0;
  #undone = 0;
  #closed: MillraceError | undefined;
  #onMoved: (() => void)[] = [];

  /** @param onWait called for each that has to wait */
  constructor(pools: BufferPools, onWait: () => void) {
    this.#pools = pools;
    this.#onWait = onWait;
  }

  /** How many wait. */
  get length(): number {
    return this.#length;
  }

  /**
   * What is needed, if it is free and nobody waits for the like of it.
   *
   * @throws MillraceError `ERR_SIZE`
   */
  take(need: Need): Lot | undefined {
    this.#checkSize(need);
    return this.#length > 0 && this.#lines.has(lineOf(need)) ? undefined : this.#attempt(need);
  }

  /**
   * What is needed, as soon as it is free.
   *
   * @throws MillraceError `ERR_POOL_EXHAUSTED` when its patience ends, or at once when nobody else holds
   *   anything; `ERR_ABORTED`, `ERR_SIZE`, `ERR_MILL_CLOSED`
   */
  async wait(need: Need, { timeoutMs, signal }: Patience): Promise<Lot> {
    const lot = this.take(need);
    if (lot) return lot;
    if (this.#closed) throw this.#closed;
    if (signal?.aborted) throw abortedBy(signal);
    const holds = need.given ? 1 : 0;
    const { memoryBytes, slices } = this.#pools.stats();
    if (slices.live <= holds && this.#length === 0) {
      // Nobody will give anything back, so that it is enough now or never: somebody just may have.
      const late = this.#attempt(need);
      if (late) return late;
      throw exhausted(need, memoryBytes, undefined);
    }
    if (timeoutMs === 0) throw exhausted(need, memoryBytes, 0);
    return this.#stand(need, timeoutMs, signal);
  }

  /** Resolves when somebody has been served or has gone. */
  moved(): Promise<void> {
    return new Promise((resolve) => this.#onMoved.push(resolve));
  }

  /** Nobody will be served any more. */
  close(error: MillraceError): void {
    this.#closed ??= error;
    for (const { waiters } of this.#lines.values()) {
      for (const waiter of waiters.splice(0)) this.#dismiss(waiter, error);
    }
  }

  #checkSize({ name, inputBytes, outputBytes }: Need): void {
    const bytes = Math.max(inputBytes, outputBytes);
    const { largest } = this.#pools;
    if (bytes <= largest) return;
    throw new MillraceError(
      'ERR_SIZE',
      `Cannot run "${name}" as its ${inputBytes === bytes ? 'input' : 'output'} may have ${bytes} bytes and a slice holds ${largest} at most`,
    );
  }

  #stand(need: Need, timeoutMs: number, signal: AbortSignal | undefined): Promise<Lot> {
    const at = lineOf(need);
    let line = this.#lines.get(at);
    const first = line === undefined;
    if (!line) this.#lines.set(at, (line = { waiters: [], movedAt: 0 }));
    const { waiters } = line;
    this.#length++;
    this.#onWait();
    let onAbort: (() => void) | undefined;
    let timer: NodeJS.Timeout | undefined;
    const standing = new Promise<Lot>((resolve, reject) => {
      const since = performance.now();
      const gone = new AbortController();
      const waiter: Waiter = { need, gone, resolve, reject };
      waiters.push(waiter);
      const leave = (error: unknown): void => {
        const place = waiters.indexOf(waiter);
        if (place >= 0) waiters.splice(place, 1);
        this.#dismiss(waiter, error);
      };
      onAbort = () => leave(abortedBy(signal!));
      signal?.addEventListener('abort', onAbort, { once: true });
      // The process stays alive for it: its promise is to settle.
      const look = (): void => {
        const leftMs = Math.max(since, line.movedAt) + timeoutMs - performance.now();
        if (leftMs > 0) timer = setTimeout(look, Math.ceil(leftMs));
        else leave(exhausted(need, this.#pools.stats().memoryBytes, timeoutMs));
      };
      timer = setTimeout(look, timeoutMs);
    });
    if (first) void this.#serve(at, line);
    return standing.finally(() => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort!);
      this.#length--;
      for (const resolve of this.#onMoved.splice(0)) resolve();
    });
  }

  #dismiss(waiter: Waiter, error: unknown): void {
    waiter.gone.abort();
    waiter.reject(error);
  }

  /** Serves those in `line`, one after the other, until it is empty. */
  async #serve(at: number, line: Line): Promise<void> {
    for (;;) {
      const first = line.waiters[0];
      if (!first) break;
      let lot: Lot;
      try {
        lot = await this.#gather(first.need, first.gone.signal);
      } catch (error) {
        // If it has not gone of itself, what it needs cannot be had at all.
        if (line.waiters[0] === first) line.waiters.shift();
        this.#dismiss(first, error);
        continue;
      }
      if (first.gone.signal.aborted) {
        lot.input?.release();
        lot.output?.release();
        continue;
      }
      line.waiters.shift();
      line.movedAt = performance.now();
      first.resolve(lot);
    }
    this.#lines.delete(at);
  }

  #attempt({ inputBytes, outputBytes, given }: Need): Lot | undefined {
    const input = inputBytes > 0 ? this.#pools.tryAcquire(inputBytes) : undefined;
    if (inputBytes > 0 && !input) return undefined;
    if (outputBytes === 0) return { input, output: undefined };
    const near = input ?? given;
    const output = this.#pools.tryAcquire(outputBytes, near && { near });
    if (output) return { input, output };
    if (input) this.#undo(input);
    return undefined;
  }

  /** Waits for what is missing, with nothing in hand, until the other is there too. */
  async #gather({ inputBytes, outputBytes, given }: Need, signal: AbortSignal): Promise<Lot> {
    let wanted: 'input' | 'output' = inputBytes > 0 ? 'input' : 'output';
    let freed: number | undefined;
    for (;;) {
      const bytes = wanted === 'input' ? inputBytes : outputBytes;
      const near = wanted === 'output' ? given : undefined;
      const got = await this.#pools.acquireAsync(bytes, near ? { signal, near } : { signal });
      const otherBytes = wanted === 'input' ? outputBytes : inputBytes;
      const other = otherBytes > 0 ? this.#pools.tryAcquire(otherBytes, { near: got }) : undefined;
      if (other || otherBytes === 0) {
        return wanted === 'input' ? { input: got, output: other } : { input: other, output: got };
      }
      this.#undo(got);
      // Room for either, but not for both: then only what was really freed is worth another try.
      if (freed === this.#freed) await this.#news(freed, signal);
      signal.throwIfAborted();
      freed = this.#freed;
      wanted = wanted === 'input' ? 'output' : 'input';
    }
  }

  /** Resolves when a lease has ended somewhere, or `signal` is aborted. */
  async #news(freed: number, signal: AbortSignal): Promise<void> {
    let stop!: () => void;
    const stopped = new Promise<void>((resolve) => (stop = resolve));
    signal.addEventListener('abort', stop, { once: true });
    // This thread is told of its own releases alone.
    const looking = setInterval(() => {
      if (this.#freed !== freed) stop();
    }, LOOK_EVERY_MS);
    try {
      while (this.#freed === freed && !signal.aborted) {
        await Promise.race([this.#pools.released(), stopped]);
      }
    } finally {
      clearInterval(looking);
      signal.removeEventListener('abort', stop);
    }
  }

  #undo(slice: Slice): void {
    this.#undone++;
    slice.release();
  }

  /** Leases that have ended, the undone ones not counted: they are no news. */
  get #freed(): number {
    const { returned, swept } = this.#pools.stats().slices;
    return returned + swept - this.#undone;
  }
}

/** The line in which `need` waits, by the larger of the two. */
function lineOf({ inputBytes, outputBytes }: Need): number {
  const bytes = Math.max(inputBytes, outputBytes);
  return bytes <= LARGEST_CLASS_BYTES ? classOf(bytes) : CLASS_COUNT;
}

function exhausted(
  { name, inputBytes, outputBytes }: Need,
  memoryBytes: number,
  afterMs: number | undefined,
): MillraceError {
  const parts = [
    ...(inputBytes > 0 ? [`${inputBytes} bytes of input`] : []),
    ...(outputBytes > 0 ? [`${outputBytes} bytes of output`] : []),
  ];
  const why =
    afterMs === undefined
      ? `have no room at a time in "memory", which is ${memoryBytes}, though nobody else holds any; raise "memory"`
      : `were not free ${afterMs > 0 ? `within ${afterMs} ms` : 'at once'}, "memory" being ${memoryBytes}; raise "memory" or release slices sooner`;
  return new MillraceError(
    'ERR_POOL_EXHAUSTED',
    `Cannot run "${name}" as ${parts.join(' and ')} ${why}`,
  );
}
