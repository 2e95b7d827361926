/** Waits of tasks, as models of the sync room see them: whether one has ended, and how. */

/** What a wait has come to: its value, or the code of its error. */
export type Outcome<Value> = { readonly value: Value } | { readonly code: string };

export class Wait<Value> {
  /** Undefined while it waits. */
  outcome: Outcome<Value> | undefined;
  readonly ended: Promise<Outcome<Value>>;
  readonly #abort = new AbortController();

  constructor(begin: (limits: { readonly signal: AbortSignal }) => Promise<Value>) {
    this.ended = begin({ signal: this.#abort.signal }).then(
      (value) => (this.outcome = { value }),
      (error: { code?: string; message: string }) =>
        (this.outcome = { code: error.code ?? error.message }),
    );
  }

  /** Gives up, and resolves when it has ended. */
  async abort(): Promise<Outcome<Value>> {
    this.#abort.abort();
    return this.ended;
  }
}

/** Ends all of these, so that the next run of a property begins with nobody waiting. */
export async function abortAll(waits: Iterable<Wait<unknown>>): Promise<void> {
  await Promise.all([...waits].map((wait) => wait.abort()));
}

/** Lets the event loop go round once: what has been decided by now has been told by then. */
export async function oneTurn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
