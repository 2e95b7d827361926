/** What a cgroup says of memory, read from trees that look like the system's. */
import { cgroupMemory, stalledPercent } from '@millrace/workers/internal';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { newPath } from '../temporary.ts';
import { stall, tree } from './tree.ts';

const stat = (figures: Record<string, number>) =>
  Object.entries({ anon: 1, file: 2, ...figures })
    .map(([key, value]) => `${key} ${value}`)
    .join('\n');

test('use and limit are those of the cgroup of the process', () => {
  const files = tree('/app.slice/app.service');
  files.set('app.slice/app.service', { 'memory.current': 300, 'memory.max': 1000 });
  const probe = cgroupMemory(files);
  expect(probe()).toEqual({ source: 'cgroup', usedBytes: 300, limitBytes: 1000 });
  files.set('app.slice/app.service', { 'memory.current': 200, 'memory.max': 500 });
  expect(probe(), 'limits may change').toEqual({
    source: 'cgroup',
    usedBytes: 200,
    limitBytes: 500,
  });
});

test('a process that sees only its own cgroup finds it at the root', () => {
  const files = tree('/');
  files.set('.', { 'memory.current': 7, 'memory.max': 100 });
  expect(cgroupMemory(files)()).toMatchObject({ usedBytes: 7, limitBytes: 100 });
});

test('a path that leads out of what can be seen ends at the root', () => {
  const files = tree('/../../elsewhere');
  files.set('.', { 'memory.current': 7, 'memory.max': 100 });
  expect(cgroupMemory(files)()).toMatchObject({ usedBytes: 7, limitBytes: 100 });
});

test('the fullest of the cgroups above counts, where several have limits', () => {
  const files = tree('/a/b/c');
  files.set('a', { 'memory.current': 450, 'memory.max': 1000 });
  files.set('a/b', { 'memory.current': 400, 'memory.max': 'max' });
  files.set('a/b/c', { 'memory.current': 300, 'memory.max': 800 });
  const probe = cgroupMemory(files);
  expect(probe()).toMatchObject({ usedBytes: 450, limitBytes: 1000 });
  files.set('a/b/c', { 'memory.current': 390 });
  expect(probe()).toMatchObject({ usedBytes: 390, limitBytes: 800 });
});

test('whoever is over memory.high is slowed down, so that is a limit too', () => {
  const files = tree('/a');
  files.set('a', { 'memory.current': 390, 'memory.high': 800, 'memory.max': 1000 });
  expect(cgroupMemory(files)()).toMatchObject({ limitBytes: 800 });
});

test('clean pages of files are not in use, dirty ones are', () => {
  const files = tree('/a');
  files.set('a', {
    'memory.current': 990,
    'memory.max': 1000,
    'memory.stat': stat({
      inactive_file: 500,
      active_file: 200,
      file_dirty: 60,
      file_writeback: 40,
    }),
  });
  expect(cgroupMemory(files)()).toMatchObject({ usedBytes: 390, limitBytes: 1000 });
});

test('without figures of the page cache all counts as in use', () => {
  const files = tree('/a');
  files.set('a', { 'memory.current': 990, 'memory.max': 1000 });
  expect(cgroupMemory(files)()).toMatchObject({ usedBytes: 990 });
});

test('a cgroup whose memory ran out since the last look is full', () => {
  const files = tree('/a');
  const events = (oom: number) => `low 0\nhigh 3\nmax 9\noom ${oom}\noom_kill 0`;
  files.set('a', { 'memory.current': 100, 'memory.max': 1000, 'memory.events': events(2) });
  const probe = cgroupMemory(files);
  expect(probe(), 'what was before is no news').toMatchObject({ usedBytes: 100 });
  expect(probe()).toMatchObject({ usedBytes: 100 });
  files.set('a', { 'memory.events': events(3) });
  expect(probe()).toMatchObject({ usedBytes: 1000 });
  expect(probe()).toMatchObject({ usedBytes: 100 });
});

test('time lost to waiting is told, with a limit or without', () => {
  const files = tree('/a');
  files.set('a', {
    'memory.current': 100,
    'memory.max': 1000,
    'memory.pressure': stall(12.5),
  });
  const probe = cgroupMemory(files);
  expect(probe()).toEqual({
    source: 'cgroup',
    usedBytes: 100,
    limitBytes: 1000,
    stalledPercent: 12.5,
  });
  files.set('a', { 'memory.max': 'max' });
  expect(probe()).toMatchObject({ limitBytes: Infinity, stalledPercent: 12.5 });
});

test.each<[string, () => Parameters<typeof cgroupMemory>[0]]>([
  ['no cgroups at all', () => ({ root: newPath(), self: newPath() })],
  ['cgroups of the first kind alone', () => onlyFirstKind()],
  ['a cgroup without a controller of memory', () => tree('/a')],
])('on a system with %s nothing is said', (_, paths) => {
  expect(cgroupMemory(paths())()).toBeUndefined();
});

function onlyFirstKind(): Parameters<typeof cgroupMemory>[0] {
  const files = tree('/a');
  writeFileSync(files.self, '4:memory:/a\n1:cpu:/a\n');
  files.set('a', { 'memory.current': 100, 'memory.max': 1000 });
  return files;
}

test('a cgroup without limit that tells of no stalls says nothing', () => {
  const files = tree('/a');
  files.set('a', { 'memory.current': 100, 'memory.max': 'max' });
  expect(cgroupMemory(files)()).toBeUndefined();
});

test('a cgroup that vanishes or is unreadable says nothing', () => {
  const files = tree('/a');
  files.set('a', { 'memory.current': 100, 'memory.max': 1000 });
  const probe = cgroupMemory(files);
  expect(probe()).toBeDefined();
  files.set('a', { 'memory.current': 'no number' });
  expect(probe()).toBeUndefined();
  files.set('a', { 'memory.current': undefined, 'memory.max': undefined });
  expect(probe()).toBeUndefined();
});

test('stalls are those in which some task waited, in the last ten seconds', () => {
  const path = newPath('pressure');
  writeFileSync(path, stall(3.07));
  expect(stalledPercent(path)).toBe(3.07);
  writeFileSync(path, '');
  expect(stalledPercent(path)).toBeUndefined();
  expect(stalledPercent(join(path, 'nothing'))).toBeUndefined();
});
