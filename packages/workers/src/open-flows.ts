/**
 * The flows that are under way. One may wait for its source or its target for as long as these like, and no task of it
 * tells when the mill is no more: so it is told here.
 */
import type { MillraceError } from '@millrace/core';

type Stop = (error: MillraceError) => void;

export class OpenFlows {
  readonly #stops = new Set<Stop>();
  #refusal: MillraceError | undefined;

  /**
   * A flow begins.
   *
   * @param stop makes it fail; called at once when no more flows may begin
   * @returns what is to be called when it has ended
   */
  enter(stop: Stop): () => void {
    if (this.#refusal) stop(this.#refusal);
    this.#stops.add(stop);
    return () => void this.#stops.delete(stop);
  }

  /** No more may begin; those under way go on, as far as they can. */
  close(refusal: MillraceError): void {
    this.#refusal = refusal;
  }

  /** None goes on. */
  stopAll(error: MillraceError): void {
    this.close(error);
    for (const stop of this.#stops) stop(error);
  }
}
