/**
 * The heartbeat watch: tells which threads have given no sign of life for a while.
 *
 * It is for where a thread's end is told by nobody, as a Web Worker's. Silence alone is no proof of
 * death: a thread that computes, or sleeps, beats no more than a dead one. Whoever watches must know
 * what his threads do between two beats, and sweep only what he has terminated.
 */
import { MillraceError } from '../errors.js';
import type { ThreadId, ThreadRegistry } from './registry.js';

interface Sign {
  readonly beats: number;
  readonly atMs: number;
}

export interface HeartbeatOptions {
  /** A thread without a beat for this many milliseconds is silent. */
  readonly silentMs: number;
  /** @defaultValue performance.now */
  readonly now?: () => number;
}

export class HeartbeatWatch {
  readonly #registry: ThreadRegistry;
  readonly #silentMs: number;
  readonly #now: () => number;
  readonly #last = new Map<ThreadId, Sign>();

  /** @throws MillraceError `ERR_INVALID_ARG` when `silentMs` is not a positive number */
  constructor(
    registry: ThreadRegistry,
    { silentMs, now = () => performance.now() }: HeartbeatOptions,
  ) {
    if (!(silentMs > 0)) {
      throw new MillraceError(
        'ERR_INVALID_ARG',
        `Cannot watch threads as "silentMs" must be a positive number: got ${String(silentMs)}`,
      );
    }
    this.#registry = registry;
    this.#silentMs = silentMs;
    this.#now = now;
  }

  /** The threads that are alive by the registry and silent. A thread is first heard when it is first seen here. */
  silent(): ThreadId[] {
    const atMs = this.#now();
    const { alive } = this.#registry.stats();
    for (const id of this.#last.keys()) if (!alive.includes(id)) this.#last.delete(id);
    return alive.filter((id) => {
      const beats = this.#registry.beatsOf(id);
      const last = this.#last.get(id);
      if (last?.beats === beats) return atMs - last.atMs >= this.#silentMs;
      this.#last.set(id, { beats, atMs });
      return false;
    });
  }
}
