import * as observe from '@millrace/observe';
import * as installed from 'millrace/observe';
import { expect, test } from 'vitest';

test('what millrace/observe gives is what the package of that name has', () => {
  expect(Object.keys(installed)).toEqual(Object.keys(observe));
  for (const [name, value] of Object.entries(observe)) {
    expect(Reflect.get(installed, name)).toBe(value);
  }
});
