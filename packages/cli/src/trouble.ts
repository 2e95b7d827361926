/** What goes wrong with one file, told in the words of the person who asked, and the exit code for it. */
import { getSystemErrorMap } from 'node:util';
import { ERROR, WARNING } from './exit-codes.js';

export interface TroubleDetails {
  /** A stable code for programs: `ENOENT`, `ERR_INPUT_FORMAT` … */
  readonly code?: string | undefined;
  readonly cause?: unknown;
  /** The reader of our output has gone: no fault of the file, and hardly worth a word. */
  readonly readerGone?: boolean;
  /** Standard output got half of something: nothing that follows would make sense. */
  readonly spoilsOutput?: boolean;
  /** Nobody has thought of it: where it comes from may be of use. */
  readonly surprising?: boolean;
}

/** Ends the work on one file. The message goes after `millrace: FILE: `. */
export class Trouble extends Error {
  readonly exitCode: typeof ERROR | typeof WARNING;
  readonly code: string | undefined;
  readonly readerGone: boolean;
  readonly spoilsOutput: boolean;
  readonly surprising: boolean;

  constructor(
    exitCode: typeof ERROR | typeof WARNING,
    message: string,
    details: TroubleDetails = {},
  ) {
    super(message, { cause: details.cause });
    this.name = 'Trouble';
    this.exitCode = exitCode;
    this.code = details.code;
    this.readerGone = details.readerGone ?? false;
    this.spoilsOutput = details.spoilsOutput ?? false;
    this.surprising = details.surprising ?? false;
  }
}

/** The file is left alone; that is a warning. */
export function skipped(message: string, code?: string): Trouble {
  return new Trouble(WARNING, message, { code });
}

/** The file could not be dealt with. */
export function failed(message: string, details?: TroubleDetails): Trouble {
  return new Trouble(ERROR, message, details);
}

/** Something that nobody has thought of, in one line. */
export function surprise(cause: unknown, details?: TroubleDetails): Trouble {
  const { code, message } = (cause ?? {}) as Partial<NodeJS.ErrnoException>;
  const [line = ''] = (message ?? String(cause)).split('\n');
  const suffix = code === undefined || line.startsWith(code) ? '' : ` (${code})`;
  return failed(`unexpected error: ${line}${suffix}`, {
    code,
    cause,
    surprising: true,
    ...details,
  });
}

/** The system's error behind `error`, which may be wrapped. */
export function systemError(error: unknown): NodeJS.ErrnoException | undefined {
  for (let e: unknown = error; e instanceof Error; e = e.cause) {
    if (typeof (e as NodeJS.ErrnoException).errno === 'number') return e;
  }
  return undefined;
}

/** `no such file or directory` for ENOENT, and so on. */
export function inWords(error: NodeJS.ErrnoException): string {
  return getSystemErrorMap().get(error.errno ?? 0)?.[1] ?? error.message;
}

/** "Cannot decompress as the input ends too early" without what goes without saying: "ends too early". */
export function reasonIn(message: string): string {
  return message.replace(/^Cannot [^:]*? as (the input )?/, '');
}
