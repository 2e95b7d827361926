// npm run format: sets up, then rewrites every file the way prettier lays it out.

import { setup } from './lib/setup.mjs';
import { become, tool } from './lib/run.mjs';

setup();
become([...tool('prettier'), '--write', '--log-level=warn', '.']);
