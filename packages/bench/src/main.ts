/**
 * Asks questions about speed.
 *
 *   node main.js                       lists them, and asks them all, each in a process of its own
 *   node main.js gzip-file [memory …]  only these
 *     --quick                          small inputs, one round: does it work?
 *     --rounds 20                      more of them
 *
 * The exit code tells of errors only. Time never fails anything: machines differ.
 */
import { spawnSync } from 'node:child_process';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { machine } from './measure/machine.js';
import { Progress } from './measure/progress.js';
import { keepAnswer, printAnswer } from './measure/report.js';
import type { Question, Settings } from './question.js';
import { questions } from './questions.js';

interface Asked {
  readonly questions: readonly Question[];
  readonly settings: Omit<Settings, 'say'>;
  /** To hand on to a process that asks one of them. */
  readonly flags: readonly string[];
}

/** Its message says it all: where it was thrown is of no interest. */
class PlainError extends Error {}

try {
  await ask(understand(process.argv.slice(2)));
} catch (error) {
  const known = error instanceof PlainError;
  say(error instanceof Error ? (!known && error.stack) || error.message : String(error));
  process.exitCode = 1;
}

/** @throws PlainError */
function understand(args: string[]): Asked {
  const { values, positionals } = parse(args);
  const unknown = positionals.find((name) => !questions.some((known) => known.name === name));
  if (unknown !== undefined) {
    const names = questions.map(({ name }) => name).join(', ');
    throw new PlainError(`Cannot ask "${unknown}": the questions are ${names}`);
  }
  const rounds = values.rounds === undefined ? undefined : Number(values.rounds);
  if (rounds !== undefined && !(Number.isInteger(rounds) && rounds > 0)) {
    throw new PlainError(
      `Cannot run ${values.rounds} rounds: their number must be a positive integer`,
    );
  }
  return {
    questions:
      positionals.length === 0
        ? questions
        : questions.filter(({ name }) => positionals.includes(name)),
    settings: { quick: values.quick, rounds },
    flags: [
      ...(values.quick ? ['--quick'] : []),
      ...(rounds === undefined ? [] : [`--rounds=${rounds}`]),
    ],
  };
}

async function ask({ questions: asked, settings, flags }: Asked): Promise<void> {
  const [only, ...others] = asked;
  if (only && others.length === 0) return answer(only, settings);
  say(`The questions are ${asked.map(({ name }) => name).join(', ')}\n`);
  for (const { name } of asked) {
    // A process each: neither a heap nor a compiler remembers the question before.
    const args = [fileURLToPath(import.meta.url), name, ...flags];
    const { status, signal, error } = spawnSync(process.execPath, args, { stdio: 'inherit' });
    if (error) throw error;
    if (signal) throw new PlainError(`The question "${name}" was ended by ${signal}`);
    if (status !== 0) process.exitCode = 1;
  }
}

async function answer(question: Question, settings: Omit<Settings, 'say'>): Promise<void> {
  const about = { machine: await machine(), quick: settings.quick, date: new Date() };
  const progress = new Progress(`${question.name}: `);
  const found = await question.run({ ...settings, say: (line) => progress.show(line) });
  progress.clear();
  printAnswer(question, found, about.machine);
  const path = relative(process.cwd(), keepAnswer(question, found, about));
  process.stdout.write(`  Kept in ${path}\n\n`);
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: { quick: { type: 'boolean', default: false }, rounds: { type: 'string' } },
    });
  } catch (cause) {
    throw new PlainError((cause as Error).message, { cause });
  }
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
