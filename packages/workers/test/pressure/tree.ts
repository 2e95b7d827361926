/** A tree of files like those in which Linux tells of cgroups. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { folder } from '../temporary.ts';

export interface Tree {
  readonly root: string;
  readonly self: string;
  /** Writes files of a cgroup, by name; `undefined` takes one away. */
  set(cgroup: string, files: Record<string, string | number | undefined>): void;
}

/** @param own the cgroup of the process, as `/proc/self/cgroup` tells it */
export function tree(own: string): Tree {
  const root = folder();
  const self = join(folder(), 'self');
  writeFileSync(self, `4:memory:/elsewhere\n0::${own}\n`);
  return {
    root,
    self,
    set(cgroup, files) {
      const at = join(root, cgroup);
      mkdirSync(at, { recursive: true });
      for (const [name, content] of Object.entries(files)) {
        if (content === undefined) rmSync(join(at, name));
        else writeFileSync(join(at, name), `${content}\n`);
      }
    },
  };
}

export function stall(some: number): string {
  return `some avg10=${some.toFixed(2)} avg60=0.00 avg300=0.00 total=9\nfull avg10=99.00 avg60=0.00 avg300=0.00 total=9`;
}
