// npm run setup: installs the dependencies when they are not in step with the lock file.

import { setup } from './lib/setup.mjs';

setup();
