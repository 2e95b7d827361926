/** The exit codes, which are gzip's: a file that was skipped is a warning, one that failed is an error. */

export const OK = 0;
export const ERROR = 1;
export const WARNING = 2;

export type ExitCode = typeof OK | typeof ERROR | typeof WARNING;

/** Several files end in one code: an error outweighs a warning, though its number is smaller. */
export function worse(one: ExitCode, other: ExitCode): ExitCode {
  if (one === ERROR || other === ERROR) return ERROR;
  return one === WARNING || other === WARNING ? WARNING : OK;
}
