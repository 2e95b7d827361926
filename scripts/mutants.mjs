// npm run mutants [-- word ...]: builds, then puts one fault after the other into a copy of the built code, and sees
// whether the tests that should catch it do. With words, only the faults whose file or description holds one of them.
//
// The faults stand in packages/*/test/mutants/*.mjs. One that survives, or does not apply any more, fails the run.

import { build } from './lib/build.mjs';
import { copyRepository, dropCopies } from './lib/mutants/copies.mjs';
import { applyMutant, loadMutants } from './lib/mutants/mutants.mjs';
import { runTestsOf, stopTests, tryMutant } from './lib/mutants/trial.mjs';
import { say } from './lib/run.mjs';

const AT_A_TIME = 2;

const words = process.argv.slice(2);
build();
const mutants = (await loadMutants()).filter(
  ({ fault, file }) =>
    words.length === 0 || words.some((word) => `${file} ${fault}`.includes(word)),
);
if (mutants.length === 0) {
  say(`No fault has one of these words in its file or description: ${words.join(', ')}`);
  process.exit(1);
}
const copies = Array.from({ length: AT_A_TIME }, () => copyRepository());
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
  process.on(signal, () => {
    stopTests();
    dropCopies();
    process.exit(1);
  });
}

try {
  // One that does not apply is told before any is tried.
  for (const mutant of mutants) applyMutant(copies[0] ?? '', mutant)();
  await tryAll();
} finally {
  stopTests();
  dropCopies();
}

async function tryAll() {
  // Tests that fail anyway would catch anything.
  const tests = [...new Set(mutants.flatMap(({ caughtBy }) => caughtBy))];
  say(`Trying ${mutants.length} faults on ${tests.length} test files, which must pass without any`);
  const clean = await runTestsOf(copies[0] ?? '', tests, 900_000);
  if (clean.end !== 'passed') throw new Error(`They do not: ${clean.end} ${clean.by}`);

  const left = [...mutants];
  /** @type {{ file: string, fault: string, verdict: string, by: string, seconds: string }[]} */
  const rows = [];
  await Promise.all(
    copies.map(async (copy) => {
      for (let mutant = left.shift(); mutant; mutant = left.shift()) {
        const { end, by, ms } = await tryMutant(copy, mutant);
        const verdict = end === 'failed' ? 'caught' : `NOT CAUGHT (${end})`;
        const { file, fault } = mutant;
        rows.push({ file, fault, verdict, by, seconds: (ms / 1000).toFixed(1) });
        say(`${verdict}: ${file}: ${fault}`);
      }
    }),
  );
  rows.sort((a, b) => (a.file < b.file ? -1 : Number(a.file > b.file)));
  console.log('| file | fault | caught by | seconds |\n|---|---|---|---|');
  for (const { file, fault, verdict, by, seconds } of rows) {
    const catcher = verdict === 'caught' ? by : `**${verdict}**`;
    console.log(`| ${file} | ${fault} | ${catcher.replaceAll('|', '\\|')} | ${seconds} |`);
  }
  const survivors = rows.filter(({ verdict }) => verdict !== 'caught').length;
  say(`${rows.length - survivors} of ${rows.length} faults are caught`);
  if (survivors > 0 || rows.length === 0) process.exitCode = 1;
}
