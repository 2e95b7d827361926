/** What those who submit see of the cap on large operations. */

/** The cap, as one submitter sees it. */
export interface LargeGate {
  /** Everything belongs to an operation that holds a permit already. */
  readonly exempt: boolean;
  isLarge(bytes: number | undefined): boolean;
  weightOf(bytes: number | undefined): number;
  tryEnter(weight: number): boolean;
  /** @throws MillraceError `ERR_ABORTED` */
  enter(weight: number, signal: AbortSignal | undefined): Promise<void>;
  leave(weight: number): void;
}

/** For what a task submits while its own operation holds a permit: were it to wait for another, it might wait for ever. */
export const EXEMPT: LargeGate = {
  exempt: true,
  isLarge: () => false,
  weightOf: () => 0,
  tryEnter: () => true,
  enter: () => Promise.resolve(),
  leave() {},
};
