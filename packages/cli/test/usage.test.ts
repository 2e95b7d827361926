import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { Folder, text } from './folder.js';
import { millrace } from './run.js';

const hint = "Try 'millrace gzip --help' for more.\n";

test('--version says the version of the package', async () => {
  const { version } = JSON.parse(
    readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
  ) as { version: string };
  const { code, stdout } = await millrace(['--version']);
  expect(String(stdout)).toBe(`${version}\n`);
  expect(code).toBe(0);
});

test('--version loads neither the mill nor piscina', async () => {
  const folder = new Folder();
  await millrace(['--version'], { env: { ...process.env, NODE_V8_COVERAGE: folder.path } });
  const [report = ''] = readdirSync(folder.path);
  const loaded = readFileSync(folder.at(report), 'utf8');
  expect(loaded).toContain('program.js');
  expect(loaded).not.toMatch(/piscina|workers\/dist|gzip-command\.js/);
});

test('--help names the commands and shows examples', async () => {
  const { code, stdout } = await millrace(['--help']);
  expect(String(stdout)).toMatch(
    /Usage: millrace[^]*gzip[^]*Examples:\n {2}millrace gzip big\.log/,
  );
  expect(code).toBe(0);
});

test('gzip --help names the options, shows examples and tells the exit codes', async () => {
  const { code, stdout } = await millrace(['gzip', '--help']);
  for (const option of ['-d,', '-c,', '-k,', '-f,', '-p,', '-o,', '--json', '-q,', '-v,', '-9,']) {
    expect(String(stdout)).toContain(option);
  }
  expect(String(stdout)).toMatch(/--no-progress[^]*Examples:\n {2}millrace gzip[^]*Exit codes:/);
  expect(code).toBe(0);
});

test('help that cannot be written is no reason for a stack', async () => {
  const { code, stderr } = await millrace(['--help'], { stdio: ['pipe', 'ignore', 'pipe'] });
  expect(stderr).toBe('');
  expect(code).toBe(0);
});

test('without a command it shows its help, and that is an error', async () => {
  const { code, stdout, stderr } = await millrace([]);
  expect(stderr).toContain('Usage: millrace');
  expect(stdout).toHaveLength(0);
  expect(code).toBe(1);
});

describe('a wrong command line ends with 1, a message that names what is wrong, and a hint', () => {
  test.each([
    [['-p', '0'], '-p 0: must be a whole number of threads from 1 to 120'],
    [['-p', 'x'], '-p x: must be a whole number of threads from 1 to 120'],
    [['-p1000'], '-p 1000: must be a whole number of threads from 1 to 120'],
    [['-p', '2.5'], '-p 2.5: must be a whole number of threads from 1 to 120'],
    [['--threads=-1'], '-p -1: must be a whole number of threads from 1 to 120'],
    [['-p', ''], '-p : must be a whole number of threads from 1 to 120'],
    [['-p'], "option '-p, --threads <N>' argument missing"],
    [['-0'], "unknown option '-0'"],
    [['--kep'], "unknown option '--kep' (Did you mean --keep?)"],
    [['-x'], "unknown option '-x'"],
    [['-c', '-o', 'out'], '-o out: cannot be combined with -c'],
    [['-o', ''], "-o '': must name a file"],
    [['-o', 'out', 'b'], '-o out: takes one FILE, and 2 are given'],
    [['-\u001b[2J'], "unknown option '-\\x1b[2J'"],
  ])('%j', async (args, message) => {
    const folder = new Folder();
    folder.write('a', 'a');
    const { code, stderr } = await millrace(
      ['gzip', ...args, ...(args.at(-1) === '-p' ? [] : ['a'])],
      {
        cwd: folder.path,
      },
    );
    expect(stderr).toBe(`millrace: ${message}\n${hint}`);
    expect(code).toBe(1);
    expect(folder.list()).toEqual(['a']);
  });

  test('an unknown command', async () => {
    const { code, stderr } = await millrace(['zip']);
    expect(stderr).toBe(
      "millrace: unknown command 'zip' (Did you mean gzip?)\nTry 'millrace --help' for more.\n",
    );
    expect(code).toBe(1);
  });
});

test('120 threads may be asked for; as many start as the input can use', async () => {
  const folder = new Folder();
  folder.write('a', text(300_000));
  const { code, stdout } = await millrace(['gzip', '-p120', '--json', 'a'], { cwd: folder.path });
  const { threads } = JSON.parse(String(stdout)) as { threads: number };
  expect(threads).toBeGreaterThan(1);
  expect(threads).toBeLessThan(8);
  expect(code).toBe(0);
});

test('as many threads start as were asked for when nobody knows how much there is', async () => {
  const { stdout, stderr } = await millrace(['gzip', '-p', '5', '--json'], { input: 'data' });
  expect(String(gunzipSync(stdout))).toBe('data');
  expect(JSON.parse(stderr)).toMatchObject({ threads: 5 });
});

test('options may be bundled, take their values attached, and end at --, as in pigz', async () => {
  const folder = new Folder();
  const packed = await millrace(['gzip', '-kc9p4'], { input: 'from standard input' });
  folder.write('-x', (await millrace(['gzip'], { input: 'from -x' })).stdout);
  const { code, stdout } = await millrace(['gzip', '-dkc', '-p4', '-9', '-', '--', '-x'], {
    cwd: folder.path,
    input: packed.stdout,
  });
  expect(String(stdout)).toBe('from standard inputfrom -x');
  expect(folder.list()).toEqual(['-x']);
  expect(code).toBe(0);
});

test('of several levels the last counts', async () => {
  const input = text(300_000);
  const sizeAt = async (...levels: string[]): Promise<number> =>
    (await millrace(['gzip', ...levels], { input })).stdout.length;
  const [fast, best] = [await sizeAt('-1'), await sizeAt('-9')];
  expect(best).toBeLessThan(fast);
  expect(await sizeAt('-9', '-1')).toBe(fast);
  expect(await sizeAt('-19')).toBe(best);
  expect(await sizeAt('--fast', '--best')).toBe(best);
  expect(await sizeAt()).toBe(await sizeAt('-6'));
});
