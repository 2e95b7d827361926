import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TraceRecorder, burstyTrace } from '@millrace/observe';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Folder } from './folder.js';
import { millrace } from './run.js';

const dir = mkdtempSync(join(tmpdir(), 'millrace-simulate-'));
const trace = join(dir, 'trace.json');
const [tight, roomy] = [join(dir, 'tight.json'), join(dir, 'roomy.json')];

afterAll(() => rmSync(dir, { recursive: true }));

beforeAll(async () => {
  await using recorder = await TraceRecorder.open(trace);
  for (const event of burstyTrace({ durationMs: 2000, ratePerSecond: 500, seed: 4 })) {
    const { timestampMs: timestamp, type: eventType, id: bufferId, durationMs = 0 } = event;
    recorder.collectEvent({ ...event, timestamp, eventType, bufferId, durationMs, success: true });
  }
  writeFileSync(tight, JSON.stringify({ allocationStrategy: 'pooled', maxPoolSize: 1 }));
  writeFileSync(roomy, JSON.stringify({ allocationStrategy: 'pooled' }));
});

describe('millrace simulate', () => {
  test('shows the configurations side by side, and what the second gains', async () => {
    const args = ['simulate', trace, '--config', tight, '--config', roomy];
    const { code, stdout, stderr } = await millrace(args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = String(stdout).split('\n');
    expect(lines[0]).toMatch(/trace\.json, [12]\.\d s:$/);
    expect(lines[1]).toMatch(/^ +tight\.json +roomy\.json$/);
    const cells = (name: string): string[] =>
      lines
        .find((line) => line.startsWith(name))!
        .slice(name.length)
        .trim()
        .split(/ {2,}/);
    const [less, more] = cells('hit rate').map(parseFloat);
    expect(more).toBeGreaterThan(less!);
    const [fewer, many] = cells('buffers made').map(Number).reverse();
    expect(many).toBeGreaterThan(fewer!);
    expect(cells('score, −1 to 1')[0]).toBe('–');
    for (const name of ['gets', 'failed', 'peak memory', 'mean memory', 'waits', 'longest wait']) {
      expect(cells(name)).toHaveLength(2);
    }
    for (const name of ['mean latency', 'p99 latency', 'throughput', 'memory saved']) {
      expect(cells(name)).toHaveLength(2);
    }
    expect(cells('allocations saved')[1]).toMatch(/^\+\d+\.\d %$/);
  });

  test('takes all defaults when no configuration is named, and compares nothing', async () => {
    const { code, stdout } = await millrace(['simulate', trace]);
    expect(code).toBe(0);
    expect(String(stdout)).toMatch(/^ +defaults$/m);
    expect(String(stdout)).not.toContain('score');
  });

  test('--json tells the same as a line for each, to programs', async () => {
    const args = ['simulate', trace, '--config', tight, '--config', roomy, '--json'];
    const { stdout } = await millrace(args);
    const [first, second] = String(stdout)
      .trim()
      .split('\n')
      .map(
        (line) =>
          JSON.parse(line) as { config: string; hitRate: number; gain: { overallScore: number } },
      );
    expect(first).toMatchObject({ trace, config: tight, failed: 0, gain: { overallScore: 0 } });
    expect(second!.hitRate).toBeGreaterThan(first!.hitRate);
    expect(second!.gain.overallScore).not.toBe(0);
  });

  test('--memory makes gets wait that find none', async () => {
    const memory = 8 * 1024 * 1024;
    const run = async (...more: string[]): Promise<{ waits: number; peakMemory: number }> => {
      const { stdout } = await millrace(['simulate', trace, '--config', roomy, '--json', ...more]);
      return JSON.parse(String(stdout)) as { waits: number; peakMemory: number };
    };
    const short = await run('--memory', String(memory));
    expect(short.waits).toBeGreaterThan(0);
    expect(short.peakMemory).toBeLessThanOrEqual(memory);
    const ample = await run();
    expect(ample.waits).toBe(0);
    expect(ample.peakMemory).toBeGreaterThan(memory);
  });

  test.each([
    [
      'no such trace',
      () => ['nowhere.json'],
      /nowhere\.json: cannot read it: no such file or directory/,
    ],
    [
      'no trace',
      () => [tight],
      /tight\.json: Cannot read .* as its first line is not that of a buffer trace/,
    ],
    [
      'no such configuration',
      () => [trace, '--config', 'nowhere.json'],
      /nowhere\.json: cannot read it/,
    ],
    ['no JSON', () => [trace, '--config', trace], /trace\.json: is no JSON/],
    ['no settings', () => [trace, '--config', written('[1]')], /must be an object of settings/],
    [
      'a setting that there is none',
      () => [trace, '--config', written('{"poolSize":1}')],
      /has no setting "poolSize": there are enablePooling, /,
    ],
    [
      'a value that cannot be',
      () => [trace, '--config', written('{"maxPoolSize":-1}')],
      /"maxPoolSize" of -1/,
    ],
  ])('says what is wrong: %s', async (_, args, words) => {
    const { code, stdout, stderr } = await millrace(['simulate', ...args()], { cwd: dir });
    expect(code).toBe(1);
    expect(String(stdout)).toBe('');
    expect(stderr).toMatch(words);
    expect(stderr.split('\n')).toHaveLength(2);
  });

  test.each(['0', '-1', '1.5', '64M'])('refuses --memory %s', async (memory) => {
    const { code, stderr } = await millrace(['simulate', trace, `--memory=${memory}`]);
    expect(code).toBe(1);
    expect(stderr).toBe(
      `millrace: --memory ${memory}: must be a number of bytes\nTry 'millrace simulate --help' for more.\n`,
    );
  });

  test('--help shows how, and needs a trace', async () => {
    const { stdout } = await millrace(['simulate', '--help']);
    expect(String(stdout)).toMatch(/<TRACE>[^]*--config <FILE>[^]*--memory[^]*Examples:/);
    const { code, stderr } = await millrace(['simulate']);
    expect(code).toBe(1);
    expect(stderr).toContain('TRACE');
  });

  test('loads no mill', async () => {
    const loaded = new Folder();
    const env = { ...process.env, NODE_V8_COVERAGE: loaded.path };
    await millrace(['simulate', trace], { env });
    const report = loaded.list()[0] ?? '';
    expect(readFileSync(loaded.at(report), 'utf8')).not.toMatch(/piscina|workers\/dist/);
  });
});

function written(text: string): string {
  const path = join(dir, 'wrong.json');
  writeFileSync(path, text);
  return path;
}
