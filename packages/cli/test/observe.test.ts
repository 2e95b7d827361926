import * as observe from '@millrace/observe';
import * as installed from 'millrace/observe';
import { expect, test } from 'vitest';

test('what millrace/observe gives is what the package of that name has', () => {
  expect(Object.keys(installed).length).toBeGreaterThan(10);
  expect({ ...observe }).toMatchObject({ ...installed });
  expect(installed.BufferAnalyzer).toBe(observe.BufferAnalyzer);
});
