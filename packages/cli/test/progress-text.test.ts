import { expect, test } from 'vitest';
import { progressText, widthOf, type ProgressState } from '../src/progress-text.js';

const halfway: ProgressState = {
  name: 'big.log',
  bytesIn: 249_600_000,
  totalBytes: 480_000_000,
  bytesPerSecond: 83_100_000,
  elapsedMs: 3000,
};

test('a wide terminal shows name, bar, share, bytes, rate and time left', () => {
  expect(progressText(halfway, 120)).toBe(
    'big.log  [===============>              ]   52%  250 MB of 480 MB  83 MB/s  0:03 left',
  );
});

test('without a size there is no bar, no share and no time left', () => {
  expect(progressText({ ...halfway, name: '-', totalBytes: undefined }, 80)).toBe(
    'standard input  250 MB  83 MB/s  0:03',
  );
});

test.each([Array.from({ length: 140 }, (_, columns) => columns)])(
  'the line fits any number of columns',
  (...widths) => {
    const names = ['-', 'big.log', 'a'.repeat(300), 'データ'.repeat(20), '\u001b[2J'.repeat(9)];
    for (const columns of widths) {
      for (const name of names) {
        for (const totalBytes of [undefined, 0, 480_000_000]) {
          const line = progressText({ ...halfway, name, totalBytes }, columns);
          expect(widthOf(line)).toBeLessThanOrEqual(columns);
        }
      }
    }
  },
);

test('a long name keeps its end', () => {
  const name = `/var/log/${'deep/'.repeat(9)}big.log`;
  expect(progressText({ ...halfway, name }, 120)).toMatch(/^\.\.\S*deep\/big\.log {2}\[/);
});

test('a file that has grown is not more than done', () => {
  const line = progressText({ ...halfway, bytesIn: 500_000_000 }, 120);
  expect(line).toContain('[==============================]  100%');
  expect(line).toContain('0:00 left');
});

test('nobody knows the time left before the first byte', () => {
  expect(progressText({ ...halfway, bytesIn: 0, bytesPerSecond: 0 }, 120)).toContain('-:-- left');
});
