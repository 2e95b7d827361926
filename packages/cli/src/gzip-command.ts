/** `millrace gzip`: all FILEs, one after the other, and the exit code for the lot. */
import { isatty } from 'node:tty';
import { STDERR, STDOUT, writeText } from './descriptors.js';
import { ERROR, OK, worse, type ExitCode } from './exit-codes.js';
import { gzipFile, type Job } from './gzip-file.js';
import { UsageError, type GzipOptions } from './gzip-options.js';
import { Interrupts } from './interrupts.js';
import { Messages } from './messages.js';
import { Mills } from './mills.js';
import { ProgressLine } from './progress.js';
import { outcomeJson, outcomeText, type Outcome } from './report.js';
import { inWords, surprise, systemError } from './trouble.js';

/** @throws UsageError when compressed data would go to a terminal */
export async function gzipCommand(options: GzipOptions): Promise<number> {
  const dataOnStdout =
    options.output === undefined && (options.toStdout || options.files.includes('-'));
  const dataOnTerminal = dataOnStdout && isatty(STDOUT);
  if (dataOnTerminal && !options.decompress && !options.force) {
    throw new UsageError(
      'compressed data is not written to a terminal; use -f to do it all the same, or -o FILE',
    );
  }
  // Data on the terminal and a line that is drawn over and over would spoil each other.
  const progress = new ProgressLine(
    options.progress && !options.quiet && !options.json && !dataOnTerminal,
  );
  const messages = new Messages(options, progress);
  const interrupts = new Interrupts();
  const mills = new Mills(options.threads);
  const job: Job = { options, mills, progress, signal: interrupts.signal };
  const tell = teller(options, messages, dataOnStdout ? STDERR : STDOUT);

  let exitCode: ExitCode = OK;
  for (const file of options.files) {
    const outcome: Outcome = await gzipFile(file, job).catch((error: unknown) => ({
      file,
      trouble: surprise(error),
    }));
    // Whatever went wrong then: who interrupts wants to hear nothing of it.
    if (interrupts.signal.aborted) break;
    const told = tell(outcome);
    exitCode = worse(exitCode, worse(outcome.trouble?.exitCode ?? OK, told));
    if (outcome.trouble?.spoilsOutput || told === ERROR) break;
  }
  await mills.close();
  interrupts.stopListening();
  return interrupts.exitCode ?? exitCode;
}

/** Says what became of a file; ERROR when there is nobody to say it to. */
function teller(
  options: GzipOptions,
  messages: Messages,
  jsonDescriptor: number,
): (outcome: Outcome) => ExitCode {
  return (outcome) => {
    const { file, trouble, transferred } = outcome;
    if (trouble) messages.trouble(file, trouble);
    if (transferred) messages.detail(outcomeText({ ...outcome, transferred }, options.decompress));
    if (!options.json) return OK;
    try {
      writeText(jsonDescriptor, `${outcomeJson(outcome, options.decompress)}\n`);
      return OK;
    } catch (error) {
      const cause = systemError(error);
      if (!cause) throw error;
      messages.warning(`cannot write the report: ${inWords(cause)}`);
      return ERROR;
    }
  };
}
