// Builds every package in the order of their dependencies. turbo skips those whose sources have not changed.

import { execWithPnpm } from './pnpm.mjs';
import { setup } from './setup.mjs';

export function build() {
  setup();
  execWithPnpm('turbo', 'run', 'build', '--output-logs=errors-only', '--log-order=grouped');
}
