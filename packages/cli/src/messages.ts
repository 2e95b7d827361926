/** What the command says on standard error, and how it keeps out of the progress line's way. */
import { STDERR, writeText } from './descriptors.js';
import { WARNING } from './exit-codes.js';
import type { ProgressLine } from './progress.js';
import { shown } from './text.js';
import type { Trouble } from './trouble.js';

export interface Loudness {
  readonly quiet: boolean;
  readonly verbose: boolean;
}

export class Messages {
  readonly #loudness: Loudness;
  readonly #progress: ProgressLine;

  constructor(loudness: Loudness, progress: ProgressLine) {
    this.#loudness = loudness;
    this.#progress = progress;
  }

  /** What went wrong with a file. -q silences warnings, -v shows where surprises come from. */
  trouble(file: string, trouble: Trouble): void {
    const { exitCode, message, readerGone, surprising, cause } = trouble;
    const text = `${file === '-' ? 'standard input' : shown(file)}: ${shown(message)}`;
    if (exitCode === WARNING || readerGone) this.warning(text);
    else this.#line(`millrace: ${text}`);
    if (surprising && cause instanceof Error) this.detail(cause.stack ?? '');
  }

  /** Something that -q silences. */
  warning(text: string): void {
    if (!this.#loudness.quiet) this.#line(`millrace: ${text}`);
  }

  /** Something that only -v shows. */
  detail(text: string): void {
    if (this.#loudness.verbose) this.#line(text);
  }

  #line(text: string): void {
    this.#progress.clear();
    try {
      writeText(STDERR, `${text}\n`);
    } catch {
      // Nobody listens, and there is no other place to say so: the exit code has to do.
    }
  }
}
