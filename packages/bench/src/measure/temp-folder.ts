/**
 * A folder for temporary files that is gone when this process is, however it ends: at its end, by an
 * error, by Ctrl-C. (Not by SIGKILL.)
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export class TempFolder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
  readonly #remove = (): void => this.#removeFiles();
  readonly #onSignal = (signal: NodeJS.Signals): void => {
    this[Symbol.dispose]();
    // Nobody else listens now: this ends the process as the signal would have.
    process.kill(process.pid, signal);
  };

  constructor() {
    process.on('exit', this.#remove);
    for (const signal of SIGNALS) process.on(signal, this.#onSignal);
  }

  /** The path of a file in it. */
  file(name: string): string {
    return join(this.path, name);
  }

  [Symbol.dispose](): void {
    process.off('exit', this.#remove);
    for (const signal of SIGNALS) process.off(signal, this.#onSignal);
    this.#removeFiles();
  }

  #removeFiles(): void {
    // Retries: somebody may still create a file while we go through the folder.
    rmSync(this.path, { recursive: true, force: true, maxRetries: 3 });
  }
}
