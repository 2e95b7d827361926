/** What is said of a file that was dealt with: a line for people, or one of JSON for programs. */
import { bytesText, durationText, perSecond, shown } from './text.js';
import type { Trouble } from './trouble.js';
import type { Transferred } from './transfer.js';

/** What became of one FILE. */
export interface Outcome {
  /** As the user named it, or found by its suffix; `-` for standard input. */
  readonly file: string;
  /** `-` for standard output; undefined when it did not come to that. */
  readonly target?: string | undefined;
  readonly transferred?: Transferred;
  /** The source is no more. */
  readonly replaced?: boolean;
  /** A warning or error, if there was one. */
  readonly trouble?: Trouble | undefined;
}

/** `big.log:  63.2% -- replaced with big.log.gz (480 MB in 5.8 s, 82.8 MB/s)`, as gzip -v with the rate. */
export function outcomeText(
  outcome: Outcome & { transferred: Transferred },
  decompress: boolean,
): string {
  const { file, target = '-', replaced } = outcome;
  const { elapsedMs } = outcome.transferred;
  const { plain, packed } = sizes(outcome.transferred, decompress);
  const saved = plain > 0 ? 100 * (1 - packed / plain) : 0;
  const what = replaced ? 'replaced with' : 'created';
  const result = target === '-' ? 'written to standard output' : `${what} ${shown(target)}`;
  const rate = `${bytesText(plain)} in ${durationText(elapsedMs)}, ${bytesText(perSecond(plain, elapsedMs))}/s`;
  const name = file === '-' ? 'standard input' : shown(file);
  return `${name}: ${saved.toFixed(1).padStart(5)}% -- ${result} (${rate})`;
}

/**
 * One line of JSON. `ratio` is compressed to plain bytes, null when there are none; `MBps` counts plain
 * bytes, in millions for each second. A file that had a warning or an error has `warning` or `error`,
 * and where nothing was transferred, no numbers.
 */
export function outcomeJson(outcome: Outcome, decompress: boolean): string {
  const { file, target, transferred, trouble } = outcome;
  return JSON.stringify({
    file,
    ...(target !== undefined && { target }),
    ...(transferred && numbers(transferred, decompress)),
    ...(trouble && {
      [trouble.exitCode === 1 ? 'error' : 'warning']: {
        ...(trouble.code !== undefined && { code: trouble.code }),
        message: trouble.message,
      },
    }),
  });
}

function numbers(transferred: Transferred, decompress: boolean): Record<string, number | null> {
  const { bytesIn, bytesOut, elapsedMs, threads } = transferred;
  const { plain, packed } = sizes(transferred, decompress);
  return {
    bytesIn,
    bytesOut,
    ratio: plain > 0 ? rounded(packed / plain, 4) : null,
    elapsedMs: rounded(elapsedMs, 1),
    MBps: rounded(perSecond(plain, elapsedMs) / 1e6, 1),
    threads,
  };
}

function sizes(
  { bytesIn, bytesOut }: Transferred,
  decompress: boolean,
): { plain: number; packed: number } {
  return decompress ? { plain: bytesOut, packed: bytesIn } : { plain: bytesIn, packed: bytesOut };
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
