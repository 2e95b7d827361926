import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { writeText } from '../src/descriptors.js';
import { Folder, text } from './folder.js';
import { isOnPath, run, start, until } from './run.js';

test.skipIf(!isOnPath('mkfifo'))('text waits for room in a pipe that does not block', async () => {
  const folder = new Folder();
  await run('mkfifo', [folder.at('pipe')]);
  // To a file: this process reads nothing while it waits.
  const reader = start('sh', ['-c', 'cat pipe > out'], { cwd: folder.path });
  const pipe = await until(() => openUnblocked(folder.at('pipe')));
  // Sixteen times what a pipe holds.
  const long = text(1_000_000).toString();
  writeText(pipe, long);
  closeSync(pipe);
  await reader.ended;
  expect(readFileSync(folder.at('out'), 'utf8')).toBe(long);
});

function openUnblocked(path: string): number | undefined {
  try {
    return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    // Nobody reads from it yet.
    return undefined;
  }
}
