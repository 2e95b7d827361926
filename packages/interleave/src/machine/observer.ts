/** Is told what happens, for a printed schedule. */
export interface Observer {
  /** The access in `slot` of the process's record; `depth` is its step, or that of the step it follows. */
  access(process: number, slot: number, depth: number, isStep: boolean, before: number): void;
  death(process: number, depth: number): void;
  invoke(process: number, name: string, args: readonly unknown[]): void;
  respond(process: number, name: string, result: unknown): void;
}
