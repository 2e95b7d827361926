/** A folder of its own for each test, and data to fill it with. */
import { chmodSync, mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

export class Folder {
  readonly path: string;

  constructor() {
    this.path = mkdtempSync(join(tmpdir(), 'millrace-cli-'));
    onTestFinished(() => {
      chmodSync(this.path, 0o700);
      rmSync(this.path, { recursive: true, force: true });
    });
  }

  at(name: string): string {
    return join(this.path, name);
  }

  write(name: string, data: Uint8Array | string): string {
    writeFileSync(this.at(name), data);
    return this.at(name);
  }

  /** A file so large that its compression takes seconds, which takes no room and no time to make. */
  writeHuge(name: string, bytes = 4 * 2 ** 30): string {
    writeFileSync(this.at(name), '');
    truncateSync(this.at(name), bytes);
    return this.at(name);
  }

  /** The names of all files, sorted. */
  list(): string[] {
    return readdirSync(this.path).sort();
  }

  /** Whether something is being written here under a temporary name. */
  get hasTemporary(): boolean {
    return this.list().some((name) => name.endsWith('.tmp'));
  }
}

/** Text that compresses about as well as text does. */
export function text(bytes: number): Buffer {
  const words = ['mill', 'race', 'wheel', 'water', 'stone', 'grain', 'flour', 'sluice'];
  let seed = 1;
  let result = '';
  while (result.length < bytes) {
    seed = (seed * 48_271) % 2_147_483_647;
    result += `${words[seed % words.length]} ${seed}\n`;
  }
  return Buffer.from(result.slice(0, bytes));
}
