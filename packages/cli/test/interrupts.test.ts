import { closeSync, existsSync, openSync, readdirSync, readlinkSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { Folder, text } from './folder.js';
import { isOnPath, run, startMillrace, until } from './run.js';

const half = gzipSync(text(2_000_000)).subarray(0, 200_000);

describe.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s', (signal) => {
  const code = 128 + constants.signals[signal];

  test('while a file is compressed: no part of the target is left, and the source stays', async () => {
    const folder = new Folder();
    folder.writeHuge('huge');
    const running = startMillrace(['gzip', 'huge'], { cwd: folder.path });
    await until(() => folder.hasTemporary);
    running.child.kill(signal);
    expect(await running.ended).toMatchObject({ code, stderr: '' });
    expect(folder.list()).toEqual(['huge']);
  });

  test('while standard input is silent', async () => {
    const folder = new Folder();
    const running = startMillrace(['gzip', '-o', 'out.gz'], { cwd: folder.path });
    await until(() => folder.hasTemporary);
    running.child.kill(signal);
    expect(await running.ended).toMatchObject({ code, stderr: '' });
    expect(folder.list()).toEqual([]);
  });

  test('while standard input is decompressed', async () => {
    const folder = new Folder();
    const running = startMillrace(['gzip', '-d', '-o', 'out'], { cwd: folder.path });
    running.child.stdin?.write(half);
    await until(() => folder.hasTemporary);
    running.child.kill(signal);
    expect(await running.ended).toMatchObject({ code, stderr: '' });
    expect(folder.list()).toEqual([]);
  });

  test('while nobody reads standard output', async () => {
    const folder = new Folder();
    folder.writeHuge('huge');
    const running = startMillrace(['gzip', '-c', 'huge'], { cwd: folder.path });
    await new Promise((resolve) => running.child.stdout?.once('readable', resolve));
    running.child.stdout?.pause();
    running.child.kill(signal);
    await new Promise((resolve) => running.child.once('exit', resolve));
    expect(running.child.exitCode).toBe(code);
  });
});

test('the files after the one that was interrupted are left alone', async () => {
  const folder = new Folder();
  folder.writeHuge('huge');
  folder.write('next', 'next');
  const running = startMillrace(['gzip', 'huge', 'next'], { cwd: folder.path });
  await until(() => folder.hasTemporary);
  running.child.kill('SIGINT');
  expect(await running.ended).toMatchObject({ code: 130 });
  expect(folder.list()).toEqual(['huge', 'next']);
});

describe.skipIf(!isOnPath('mkfifo'))('a FIFO does not hold up SIGTERM', () => {
  test('when nobody writes to it', async () => {
    const folder = new Folder();
    await run('mkfifo', [folder.at('pipe')]);
    const running = startMillrace(['gzip', '-f', 'pipe'], { cwd: folder.path });
    await until(() => folder.hasTemporary);
    running.child.kill('SIGTERM');
    expect(await running.ended).toMatchObject({ code: 143, stderr: '' });
    expect(folder.list()).toEqual(['pipe']);
  });

  test.skipIf(!existsSync('/proc/self/fd'))('when nobody reads from it', async () => {
    const folder = new Folder();
    folder.write('a', 'a');
    await run('mkfifo', [folder.at('pipe')]);
    const running = startMillrace(['gzip', '-o', 'pipe', 'a'], { cwd: folder.path });
    await until(() => hasOpen(running.child.pid!, folder.at('a')));
    running.child.kill('SIGTERM');
    expect(await running.ended).toMatchObject({ code: 143, stderr: '' });
  });

  test('when its writer is silent', async () => {
    const folder = new Folder();
    await run('mkfifo', [folder.at('pipe')]);
    const running = startMillrace(['gzip', '-f', 'pipe'], { cwd: folder.path });
    // Opened for reading too, so that it does not wait for the other end.
    const writer = openSync(folder.at('pipe'), 'r+');
    writeSync(writer, 'a few bytes');
    await until(() => folder.hasTemporary);
    running.child.kill('SIGTERM');
    expect(await running.ended).toMatchObject({ code: 143, stderr: '' });
    closeSync(writer);
    expect(folder.list()).toEqual(['pipe']);
  });
});

/** Whether the process has the file open. */
function hasOpen(pid: number, path: string): boolean {
  const descriptors = `/proc/${pid}/fd`;
  return readdirSync(descriptors).some((descriptor) => {
    try {
      return readlinkSync(`${descriptors}/${descriptor}`) === path;
    } catch {
      // Closed meanwhile.
      return false;
    }
  });
}
