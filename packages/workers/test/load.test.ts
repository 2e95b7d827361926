import { createMill } from '@millrace/workers';
import { afterAll, expect, test } from 'vitest';
import { failureOf } from './failure.ts';
import type * as Functions from './functions.mjs';

const mill = await createMill({ threads: 2 });
afterAll(() => mill.close());

const functions = new URL('functions.mjs', import.meta.url);
const here = (name: string) => new URL(name, import.meta.url);

test('ops and functions of a module can be had by its URL', async () => {
  const { twice, add } = await mill.load<typeof Functions>(functions);
  expect(await mill.run(twice, new Uint8Array(21))).toBe(42);
  expect(await mill.call(add, [1, 2])).toBe(3);
});

test('the URL may be a string, and the module may be loaded again', async () => {
  const once = await mill.load<typeof Functions>(functions.href);
  const again = await mill.load<typeof Functions>(functions);
  expect(again.add).toBe(once.add);
  expect(await mill.call(again.add, [1, 2])).toBe(3);
});

test('a module that is not imported in any other way may be in CommonJS', async () => {
  const { length } = await mill.load<{ length: (text: string) => number }>(here('common.cjs'));
  expect(await mill.call(length, ['corn'])).toBe(4);
});

test('taking what the module does not export is an error that names both', async () => {
  const module = await mill.load(functions);
  expect(() => module['ad']).toThrow(
    expect.objectContaining({
      code: 'ERR_OP_LOAD',
      message: expect.stringMatching(
        /Cannot find "ad" in file:.*functions\.mjs as it exports only .*add/,
      ),
    }),
  );
});

test.each(['./functions.mjs', '', undefined, null, 7, {}])('%o is no URL', async (url) => {
  const error = await failureOf(mill.load(url as string));
  expect(error.code).toBe('ERR_INVALID_ARG');
  expect(error.message).toContain(typeof url === 'string' ? `"${url}"` : typeof url);
});

test.each([
  ['absent.mjs', /absent\.mjs/],
  ['throws-when-loaded.mjs', /no corn today/],
  ['content.txt', /content\.txt/],
])('%s cannot be loaded, which says why', async (name, why) => {
  const error = await failureOf(mill.load(here(name)));
  expect(error.code).toBe('ERR_OP_LOAD');
  expect(error.message).toContain(`Cannot import ${here(name).href}`);
  expect(error.message).toMatch(why);
  expect(error.cause).toBeInstanceOf(Error);
});

test('what throws when it is loaded comes as the cause', async () => {
  const error = await failureOf(mill.load(here('throws-when-loaded.mjs')));
  expect(error.cause).toMatchObject({ message: 'no corn today' });
});

test('a module without ops and functions is of no use', async () => {
  const error = await failureOf(mill.load(here('not-an-op.mjs')));
  expect(error.code).toBe('ERR_OP_LOAD');
  expect(error.message).toContain('exports no op and no function');
});

test('an op that is exported under another name would not be found, which is told at once', async () => {
  const error = await failureOf(mill.load(here('misnamed.mjs')));
  expect(error.code).toBe('ERR_OP_LOAD');
  expect(error.message).toContain('"flour"');
  expect(error.message).toContain('"grain"');
});
