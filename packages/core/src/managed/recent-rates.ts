/**
 * Recent rates: how many buffers came and went in the last seconds. The counts as they stood when a second began are
 * noted when the first buffer of that second comes or goes; for a second with no note nothing changed until the next.
 */

const SECOND_MS = 1000;
/** The running second, and the nine before it. */
const SECONDS = 10;

interface Note {
  readonly second: number;
  readonly retrieved: number;
  readonly returned: number;
}

export class RecentRates {
  readonly #madeMs: number;
  #notes: Note[] = [{ second: 0, retrieved: 0, returned: 0 }];

  constructor(nowMs: number) {
    this.#madeMs = nowMs;
  }

  /** When the next note is due. */
  get nextMs(): number {
    return this.#madeMs + (this.#notes.at(-1)!.second + 1) * SECOND_MS;
  }

  /** Notes the counts before the first of a second that comes or goes. */
  note(nowMs: number, retrieved: number, returned: number): void {
    const second = this.#secondOf(nowMs);
    if (second <= this.#notes.at(-1)!.second) return;
    this.#notes.push({ second, retrieved, returned });
    if (this.#notes.length > SECONDS) this.#notes.shift();
  }

  /** Each a second. */
  rates(
    nowMs: number,
    retrieved: number,
    returned: number,
  ): { retrieved: number; returned: number } {
    const first = Math.max(0, this.#secondOf(nowMs) - SECONDS + 1);
    const then = this.#notes.find(({ second }) => second >= first) ?? { retrieved, returned };
    const seconds = (nowMs - this.#madeMs) / SECOND_MS - first;
    if (seconds <= 0) return { retrieved: 0, returned: 0 };
    return {
      retrieved: (retrieved - then.retrieved) / seconds,
      returned: (returned - then.returned) / seconds,
    };
  }

  #secondOf(nowMs: number): number {
    return Math.floor((nowMs - this.#madeMs) / SECOND_MS);
  }
}
