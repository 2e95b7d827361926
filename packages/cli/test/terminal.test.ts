/** What a person sees. `script` runs the command on a pseudo-terminal of its own. */
import { closeSync, existsSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { Folder, text } from './folder.js';
import { bin, isOnPath, run, start, startMillrace, until, type Running } from './run.js';

const ERASE = '\r\u001b[J';

/** Runs a shell line on a terminal; `millrace` in it is the built command. What is seen comes as stdout. */
function onTerminal(line: string, folder: Folder): Running {
  const command = `millrace() { '${process.execPath}' '${bin}' "$@"; }; ${line}`;
  const env = { ...process.env, SHELL: '/bin/sh', TERM: 'xterm' };
  return start('script', ['-qec', command, '/dev/null'], { cwd: folder.path, env });
}

/** The progress lines that were drawn, without what erases them. */
function drawn(seen: string): string[] {
  return seen
    .split(ERASE)
    .map((piece) => piece.split('\r\n').at(-1)!)
    .filter((piece) => /\d B|[kMG]B/.test(piece));
}

/** Whether the process has a handler for SIGINT. */
function catchesInterrupts(pid: string): boolean {
  try {
    const [, caught = '0'] =
      /SigCgt:\s*(\w+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return (BigInt(`0x${caught}`) & (1n << BigInt(constants.signals.SIGINT - 1))) !== 0n;
  } catch {
    // It has ended.
    return false;
  }
}

describe.skipIf(!isOnPath('script') || !isOnPath('mkfifo'))('on a terminal', () => {
  /** Starts a compression that goes on until its FIFO is closed. */
  async function startEndless(
    line: string,
    data: Uint8Array = text(50_000),
  ): Promise<{ folder: Folder; running: Running; fifo: number }> {
    const folder = new Folder();
    await run('mkfifo', [folder.at('pipe')]);
    const running = onTerminal(line, folder);
    const fifo = openSync(folder.at('pipe'), 'r+');
    writeSync(fifo, data);
    return { folder, running, fifo };
  }

  test('progress of an input of unknown size is drawn, at most ten times a second, and cleared', async () => {
    const started = performance.now();
    const { folder, running, fifo } = await startEndless('millrace gzip -f pipe');
    await until(() => drawn(String(running.stdout())).length >= 15);
    closeSync(fifo);
    const { code, stdout } = await running.ended;
    const seconds = (performance.now() - started) / 1000;

    const lines = drawn(String(stdout));
    expect(lines[0]).toMatch(/^pipe {2}\d+ k?B {2}[\d.]+ [kM]?B\/s {2}0:\d\d$/);
    expect(lines.length).toBeLessThanOrEqual(10 * seconds);
    expect(String(stdout).endsWith(ERASE)).toBe(true);
    expect(code).toBe(0);
    expect(gunzipSync(readFileSync(folder.at('pipe.gz')))).toHaveLength(50_000);
  });

  test('progress of a file shows its share and the time left, and goes when interrupted', async () => {
    const folder = new Folder();
    folder.writeHuge('huge');
    const running = onTerminal('millrace gzip huge', folder);
    const line =
      /^huge {2}\[=*>? *\] {2}[ \d]+% {2}[\d.]+ [MG]B of 4\.3 GB {2}[\d.]+ [MG]B\/s {2}\d+:\d\d left$/;
    await until(() => line.test(drawn(String(running.stdout())).at(-1) ?? ''));
    running.child.stdin?.write('\u0003');
    const { code, stdout } = await running.ended;
    expect(String(stdout).endsWith(ERASE)).toBe(true);
    expect(code).toBe(130);
    expect(folder.list()).toEqual(['huge']);
  });

  // A read from a terminal that nobody types at holds up the process's exit.
  test.skipIf(!existsSync('/proc/self/status'))(
    'the second ^C ends what the first could not',
    async () => {
      const folder = new Folder();
      const line = `echo $$ > pid; exec '${process.execPath}' '${bin}' gzip -c /dev/tty > out`;
      const running = onTerminal(line, folder);
      const pid = await until(
        () => existsSync(folder.at('pid')) && readFileSync(folder.at('pid'), 'utf8').trim(),
      );
      await until(() => existsSync(folder.at('out')) && statSync(folder.at('out')).size > 0);
      expect(catchesInterrupts(pid)).toBe(true);
      running.child.stdin?.write('\u0003');
      await until(() => !catchesInterrupts(pid));
      running.child.stdin?.write('\u0003');
      expect((await running.ended).code).toBe(130);
    },
  );

  test('the line fits the terminal, also after a resize', async () => {
    const { folder, running, fifo } = await startEndless(
      'tty > tty; stty cols 60; millrace gzip -f pipe',
    );
    const widthOfLast = (): number => drawn(String(running.stdout())).at(-1)?.length ?? 0;
    await until(() => widthOfLast() > 19);
    expect(widthOfLast()).toBeLessThan(60);
    await run('stty', ['-F', readFileSync(folder.at('tty'), 'utf8').trim(), 'cols', '20']);
    await until(() => widthOfLast() <= 19);
    closeSync(fifo);
    const { code, stdout } = await running.ended;
    // The line that stood there had become two or three.
    const lineUp = ['\r\u001b[1A\u001b[J', '\r\u001b[2A\u001b[J'];
    expect(lineUp.some((erase) => stdout.includes(erase))).toBe(true);
    expect(code).toBe(0);
  });

  test.each([
    ['-q', 'millrace gzip -q -f pipe'],
    ['--no-progress', 'millrace gzip --no-progress -f pipe'],
    ['--json', 'millrace gzip --json -f pipe'],
    ['a job in the background', 'set -m; millrace gzip -f pipe & wait'],
    ['a dumb terminal', 'TERM=dumb; export TERM; millrace gzip -f pipe'],
  ])('with %s no progress is drawn', async (_, line) => {
    const { folder, running, fifo } = await startEndless(line);
    await until(() => folder.hasTemporary);
    // One that began later has drawn its line: this one would have by now.
    const other = await startEndless('millrace gzip -f pipe');
    await until(() => drawn(String(other.running.stdout())).length > 1);
    closeSync(other.fifo);
    closeSync(fifo);
    expect(String((await running.ended).stdout)).toMatch(/^(\{"file":.*\}\r\n)?$/);
    await other.running.ended;
  });

  test('data on the terminal is not mixed with progress', async () => {
    const packed = gzipSync('some words');
    const { running, fifo } = await startEndless('millrace gzip -d < pipe', packed);
    await until(() => running.stdout().length > 0);
    const other = await startEndless('millrace gzip -f pipe');
    await until(() => drawn(String(other.running.stdout())).length > 1);
    closeSync(other.fifo);
    closeSync(fifo);
    expect(String((await running.ended).stdout)).toBe('some words');
    await other.running.ended;
  });

  test('a warning does not mix with the progress line', async () => {
    const { running, fifo } = await startEndless('millrace gzip -f pipe nothing');
    await until(() => drawn(String(running.stdout())).length > 0);
    closeSync(fifo);
    const { stdout } = await running.ended;
    expect(
      String(stdout).endsWith(`${ERASE}millrace: nothing: no such file or directory\r\n`),
    ).toBe(true);
  });

  test.each([
    ['standard input', 'millrace gzip < a'],
    ['a file', 'millrace gzip -c a'],
  ])('compressed data from %s is not written to it', async (_, line) => {
    const folder = new Folder();
    folder.write('a', 'a');
    const { code, stdout } = await onTerminal(line, folder).ended;
    expect(String(stdout)).toBe(
      'millrace: compressed data is not written to a terminal; use -f to do it all the same, or -o FILE\r\n' +
        "Try 'millrace gzip --help' for more.\r\n",
    );
    expect(code).toBe(1);
  });

  test('compressed data is written to it with -f, and plain data without', async () => {
    const folder = new Folder();
    folder.write('a', 'some words');
    const forced = await onTerminal('millrace gzip -cf a', folder).ended;
    expect(forced.stdout.subarray(0, 3).toString('latin1')).toBe('\x1f\x8b\x08');
    // Quietly: on a machine that is slow enough, progress would be drawn before.
    const plain = await onTerminal('millrace gzip -q a; millrace gzip -dc a.gz', folder).ended;
    expect(String(plain.stdout)).toBe('some words');
  });

  test('compressed data is not read from it', async () => {
    const folder = new Folder();
    const { code, stdout } = await onTerminal('millrace gzip -d', folder).ended;
    expect(String(stdout)).toBe(
      'millrace: standard input: compressed data is not read from a terminal; use -f to do it all the same\r\n',
    );
    expect(code).toBe(1);
  });

  test('no progress is drawn when standard error is a pipe', async () => {
    const folder = new Folder();
    const running = startMillrace(['gzip', '-o', 'out.gz'], { cwd: folder.path });
    running.child.stdin?.write(text(50_000));
    await until(() => folder.hasTemporary);
    const other = await startEndless('millrace gzip -f pipe');
    await until(() => drawn(String(other.running.stdout())).length > 1);
    closeSync(other.fifo);
    running.child.stdin?.end();
    expect(await running.ended).toMatchObject({ code: 0, stderr: '' });
    await other.running.ended;
  });
});
