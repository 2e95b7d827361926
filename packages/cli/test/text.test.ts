import { expect, test } from 'vitest';
import { bytesText, clockText, durationText, perSecond, shown } from '../src/text.js';

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.0 kB'],
  [9949, '9.9 kB'],
  [9950, '10 kB'],
  [999_499, '999 kB'],
  [999_500, '1.0 MB'],
  [4_294_967_296, '4.3 GB'],
  [1e19, '10 EB'],
])('%d bytes read %s', (bytes, read) => {
  expect(bytesText(bytes)).toBe(read);
});

test('times read as clocks do', () => {
  expect(clockText(0)).toBe('0:00');
  expect(clockText(59_499)).toBe('0:59');
  expect(clockText(59_500)).toBe('1:00');
  expect(clockText(3_723_000)).toBe('1:02:03');
});

test('durations have as many digits as mean something', () => {
  expect(durationText(3.21)).toBe('0.003 s');
  expect(durationText(3210)).toBe('3.2 s');
  expect(durationText(754_000)).toBe('12:34');
});

test('no time has passed, so there is no rate', () => {
  expect(perSecond(1000, 0)).toBe(0);
  expect(perSecond(1000, 500)).toBe(2000);
});

test('a name that is not there can be seen', () => {
  expect(shown('')).toBe("''");
});

test('a name cannot send commands to the terminal', () => {
  expect(shown('evil\u001b[2J\nname\u009b31m')).toBe('evil\\x1b[2J\\x0aname\\x9b31m');
  expect(shown('Ümläut データ.log')).toBe('Ümläut データ.log');
});
