/** What `millrace gzip` is asked to do, checked. */
import { availableParallelism } from 'node:os';

/** The most threads that a mill takes. */
const MOST_THREADS = 120;

export interface GzipOptions {
  /** FILEs as the user named them; `-` is standard input. */
  readonly files: readonly string[];
  /** 1 to 9. */
  readonly level: number;
  readonly decompress: boolean;
  /** The data of every FILE goes to standard output. */
  readonly toStdout: boolean;
  /** Where the data goes, if the user has said so. */
  readonly output: string | undefined;
  readonly keep: boolean;
  readonly force: boolean;
  /** The most threads to start. */
  readonly threads: number;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly progress: boolean;
}

/** Options as they were parsed. */
export interface GivenOptions {
  decompress?: boolean;
  stdout?: boolean;
  output?: string;
  keep?: boolean;
  force?: boolean;
  threads?: string;
  json?: boolean;
  progress: boolean;
}

/** The command line is wrong. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** @throws UsageError naming the option that is wrong */
export function checkOptions(
  files: readonly string[],
  given: GivenOptions,
  last: Pick<GzipOptions, 'level' | 'quiet' | 'verbose'>,
): GzipOptions {
  const { output } = given;
  if (output === '') throw new UsageError("-o '': must name a file");
  if (output !== undefined && given.stdout) {
    throw new UsageError(`-o ${output}: cannot be combined with -c`);
  }
  if (output !== undefined && files.length > 1) {
    throw new UsageError(`-o ${output}: takes one FILE, and ${files.length} are given`);
  }
  return {
    ...last,
    files: files.length > 0 ? files : ['-'],
    decompress: given.decompress ?? false,
    toStdout: given.stdout ?? output === '-',
    output: output === '-' ? undefined : output,
    keep: given.keep ?? false,
    force: given.force ?? false,
    threads: checkThreads(given.threads),
    json: given.json ?? false,
    progress: given.progress,
  };
}

function checkThreads(given: string | undefined): number {
  if (given === undefined) return Math.min(availableParallelism(), MOST_THREADS);
  const threads = /^\d+$/.test(given) ? Number(given) : NaN;
  if (threads >= 1 && threads <= MOST_THREADS) return threads;
  throw new UsageError(`-p ${given}: must be a whole number of threads from 1 to ${MOST_THREADS}`);
}
