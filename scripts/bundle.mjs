// node ../../scripts/bundle.mjs: joins the modules that tsc has made of a package into few files, which load faster: once
// for whoever imports it, once for the threads of a mill.

import { joinEntries } from './lib/bundles/entries.mjs';
import { joinForThreads } from './lib/bundles/threads.mjs';

await joinEntries();
await joinForThreads();
