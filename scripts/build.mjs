// npm run build: sets up, then compiles every package's src into its dist.

import { build } from './lib/build.mjs';

build();
