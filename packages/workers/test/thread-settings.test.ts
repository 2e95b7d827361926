import { readFileSync, readdirSync } from 'node:fs';
import { getPriority } from 'node:os';
import { SHARE_ENV } from 'node:worker_threads';
import { createMill, type MillOptions } from '@millrace/workers';
import { describe, expect, test } from 'vitest';
import { failureOf } from './failure.ts';
import { Gate } from './gate.ts';
import * as ops from './ops.mjs';
import { whereabouts } from './thread-ops.mjs';
import { whole } from './threads.ts';

const some = new Uint8Array([7]);
const isLinux = process.platform === 'linux';

describe('createMill', () => {
  test.each<[string, unknown]>([
    ['minThreads', -1],
    ['minThreads', 3],
    ['minThreads', 1.5],
    ['minThreads', '1'],
    ['idleTimeoutMs', 0],
    ['idleTimeoutMs', -1],
    ['idleTimeoutMs', 2 ** 31],
    ['idleTimeoutMs', Number.NaN],
    ['nice', -1],
    ['nice', 20],
    ['nice', 0.5],
    ['name', ''],
    ['name', 7],
    ['maxDeathsInARow', 0],
    ['maxDeathsInARow', 1.5],
    ['env', 'PATH=/'],
    ['execArgv', '--expose-gc'],
    ['execArgv', [7]],
    ['recycle', 7],
    ['recycle', null],
    ['resourceLimits', 7],
  ])('refuses "%s" of %o and names it', async (field, value) => {
    const options = { threads: 2, [field]: value } as MillOptions;
    const error = await failureOf(createMill(options));
    expect(error.code).toBe('ERR_INVALID_ARG');
    expect(error.message).toContain(`"${field}"`);
    expect(error.message).toContain(String(value));
  });

  test.each<[string, string, unknown]>([
    ['recycle', 'afterTasks', 0],
    ['recycle', 'afterTasks', 2.5],
    ['recycle', 'afterMs', 0],
    ['recycle', 'overBytes', -1],
    ['resourceLimits', 'maxOldGenerationSizeMb', 0],
    ['resourceLimits', 'stackSizeMb', '4'],
  ])('refuses "%s" with "%s" of %o and names both', async (field, part, value) => {
    const options = { threads: 2, [field]: { [part]: value } } as MillOptions;
    const error = await failureOf(createMill(options));
    expect(error.code).toBe('ERR_INVALID_ARG');
    expect(error.message).toContain(`"${field}.${part}" of ${String(value)}`);
  });

  test.each(['recycle', 'resourceLimits'])(
    'refuses a part of "%s" that there is not',
    async (field) => {
      const options = { threads: 1, [field]: { afterTask: 1 } } as MillOptions;
      expect((await failureOf(createMill(options))).message).toContain('afterTask');
    },
  );

  test('says what Node has against options for the threads', async () => {
    const error = await failureOf(createMill({ threads: 1, execArgv: ['--no-such-option'] }));
    expect(error.code).toBe('ERR_MILL_UNHEALTHY');
    expect(error.message).toContain('--no-such-option');
    expect(error.cause).toMatchObject({ code: 'ERR_WORKER_INVALID_EXEC_ARGV' });
  });
});

describe('threads', () => {
  test('are named after the mill, and keep the names that others had before them', async () => {
    await using mill = await createMill({ threads: 3, name: 'grinder' });
    await whole(mill, 3);
    const names = (): string[] => mill.stats().threads.map(({ name }) => name);
    const expected = ['grinder-1', 'grinder-2', 'grinder-3'];
    expect(names().toSorted()).toEqual(expected);
    if (isLinux) expect(namesOfTasks()).toEqual(expect.arrayContaining(expected));
    const seen = await mill.run(whereabouts);
    if (isLinux) expect(expected).toContain(seen.name);
  });

  test.runIf(isLinux)('with a long name keep the number that tells them apart', async () => {
    await using mill = await createMill({ threads: 1, name: 'the-one-that-grinds' });
    expect(mill.stats().threads[0]?.name).toBe('the-one-that-grinds-1');
    expect((await mill.run(whereabouts)).name).toBe('the-one-that--1');
  });

  test.runIf(isLinux)(
    'are as nice as they are asked to be, and the main thread is not',
    async () => {
      const before = getPriority();
      await using mill = await createMill({ threads: 2, nice: 3, name: 'kind' });
      await whole(mill, 2);
      expect((await mill.run(whereabouts)).nice).toBe(before + 3);
      expect(mill.stats().threads.map(({ nice }) => nice)).toEqual([before + 3, before + 3]);
      expect(getPriority()).toBe(before);
      for (const name of ['kind-1', 'kind-2']) expect(nicenessOf(name)).toBe(before + 3);
    },
  );

  test.runIf(isLinux)('are no nicer than there is', async () => {
    await using mill = await createMill({ threads: 1, nice: 19 });
    expect((await mill.run(whereabouts)).nice).toBe(19);
  });

  test('get the environment that they are given', async () => {
    const variable = 'MILLRACE_TEST_VARIABLE';
    process.env[variable] = 'before';
    await using copied = await createMill({ threads: 1 });
    await using shared = await createMill({ threads: 1, env: SHARE_ENV });
    await using own = await createMill({ threads: 1, env: { [variable]: 'own' } });
    process.env[variable] = 'after';
    const seenBy = async (mill: typeof own) =>
      (await mill.run(whereabouts, some, { variable })).env;
    expect(await seenBy(copied)).toBe('before');
    expect(await seenBy(shared)).toBe('after');
    expect(await seenBy(own)).toBe('own');
    delete process.env[variable];
  });

  test('get the options of Node and the limits that they are given', async () => {
    const resourceLimits = { maxOldGenerationSizeMb: 96, maxYoungGenerationSizeMb: 32 };
    const execArgv = ['--no-warnings'];
    await using mill = await createMill({ threads: 1, resourceLimits, execArgv });
    const seen = await mill.run(whereabouts);
    expect(seen.resourceLimits).toMatchObject(resourceLimits);
    expect(seen.execArgv).toEqual(expect.arrayContaining(execArgv));
  });

  test('are there when the first is: others follow', async () => {
    await using mill = await createMill({ threads: 4 });
    expect(mill.stats().threads.length).toBeGreaterThan(0);
    const gate = new Gate();
    const held = Array.from({ length: 4 }, () => mill.run(ops.hold, some, { gate: gate.words }));
    await gate.reached(4);
    gate.open();
    expect(await Promise.all(held)).toEqual([7, 7, 7, 7]);
  });
});

/** The names of all threads of this process, as the system knows them. */
function namesOfTasks(): string[] {
  return tasks().map(({ name }) => name);
}

/** Field 19 of a thread's `stat`. */
function nicenessOf(name: string): number {
  const task = tasks().find((candidate) => candidate.name === name);
  const fields = task?.stat.slice(task.stat.lastIndexOf(')') + 2).split(' ') ?? [];
  return Number(fields[16]);
}

function tasks(): { name: string; stat: string }[] {
  return readdirSync('/proc/self/task').flatMap((id) => {
    try {
      const of = `/proc/self/task/${id}`;
      return {
        name: readFileSync(`${of}/comm`, 'utf8').trim(),
        stat: readFileSync(`${of}/stat`, 'utf8'),
      };
    } catch {
      // It has ended meanwhile.
      return [];
    }
  });
}
