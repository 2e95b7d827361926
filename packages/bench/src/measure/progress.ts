/** What is going on, on standard error: one line that changes at a terminal, a line each elsewhere. */
export class Progress {
  readonly #prefix: string;

  constructor(prefix = '') {
    this.#prefix = prefix;
  }

  show(line: string): void {
    const { isTTY } = process.stderr;
    process.stderr.write(isTTY ? `${ERASE}${this.#prefix}${line}` : `${this.#prefix}${line}\n`);
  }

  /** Makes way for something else. */
  clear(): void {
    if (process.stderr.isTTY) process.stderr.write(ERASE);
  }
}

/** To the line's start, and erases it. */
const ERASE = '\r\x1b[K';
