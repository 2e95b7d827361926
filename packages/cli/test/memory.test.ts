import * as core from '@millrace/core';
import * as installed from 'millrace/memory';
import { expect, test } from 'vitest';

test('what millrace/memory gives is what the core has, but for the ends that millrace has for Node', () => {
  const names = Object.keys(core).filter((name) => name !== 'readerOf' && name !== 'writerOf');
  expect(Object.keys(installed)).toEqual(names);
  for (const name of names) expect(Reflect.get(installed, name)).toBe(Reflect.get(core, name));
});
