/** The command line: what can be asked for, parsed with commander, and what is said when it is wrong. */
import { readFileSync } from 'node:fs';
import { isatty } from 'node:tty';
import { Command, CommanderError, Option } from 'commander';
import { STDERR, STDOUT, writeText } from './descriptors.js';
import { ERROR, OK } from './exit-codes.js';
import { checkOptions, UsageError, type GivenOptions, type GzipOptions } from './gzip-options.js';
import { EXIT_CODES, GZIP_EXAMPLES, PROGRAM_EXAMPLES, SIMULATE_EXAMPLES } from './help.js';
import type { SimulateOptions } from './simulate-command.js';
import { shown } from './text.js';

const DEFAULT_LEVEL = 6;

/** Runs the command and resolves with its exit code. */
export async function main(args: readonly string[]): Promise<number> {
  let exitCode: number = OK;
  // Not before it is needed: --version and --help are to be quick.
  const program = programOf({
    async gzip(options) {
      const { gzipCommand } = await import('./gzip-command.js');
      exitCode = await gzipCommand(options);
    },
    async simulate(options) {
      const { simulateCommand } = await import('./simulate-command.js');
      exitCode = await simulateCommand(options);
    },
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    // Help and version have been shown; help that nobody asked for, where a command was missing, is an error.
    if (error instanceof CommanderError && error.exitCode === 0) return OK;
    if (error instanceof CommanderError && error.code === 'commander.help') return ERROR;
    if (!(error instanceof CommanderError) && !(error instanceof UsageError)) throw error;
    // commander's "(Did you mean --keep?)" stands on a line of its own.
    const message = error.message.replace(/^error: /, '').replaceAll('\n', ' ');
    const [name = ''] = args;
    const isCommand = program.commands.some((command) => command.name() === name);
    const command = isCommand ? `millrace ${name}` : 'millrace';
    writeText(STDERR, `millrace: ${shown(message)}\nTry '${command} --help' for more.\n`);
    return ERROR;
  }
}

interface Commands {
  gzip(options: GzipOptions): Promise<void>;
  simulate(options: SimulateOptions): Promise<void>;
}

function programOf(commands: Commands): Command {
  const program = new Command('millrace')
    .description('Puts every core to work on your files.')
    .version(version(), '-V, --version', 'show the version')
    .helpOption('-h, --help', 'show this help')
    .helpCommand('help [command]', 'show the help of a command')
    .addHelpText('after', PROGRAM_EXAMPLES)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => writeText(STDOUT, text),
      writeErr: (text) => writeText(STDERR, text),
      // By main(), in its own words.
      outputError: () => {},
      getOutHelpWidth: () => (isatty(STDOUT) ? process.stdout.columns : 80),
      getOutHasColors: () => false,
    });
  addGzip(program, (options) => commands.gzip(options));
  addSimulate(program, (options) => commands.simulate(options));
  return program;
}

function addSimulate(
  program: Command,
  onSimulate: (options: SimulateOptions) => Promise<void>,
): void {
  program
    .command('simulate')
    .summary('replay a trace of buffers under other settings')
    .description(
      'Replays TRACE, which a TraceRecorder has written, under each configuration, and shows side by side\n' +
        'what hit rate, memory, waits and latency it comes to. The first is what others are compared with.',
    )
    .argument('<TRACE>', 'the trace')
    .option(
      '--config <FILE>',
      'settings of a BufferManager, as JSON; may be repeated (default: all defaults)',
      (file: string, files: string[]) => [...files, file],
      [],
    )
    .option('--memory <BYTES>', 'what the pools have: gets that find none wait (default: no end)')
    .option('--json', 'a line of JSON for each configuration')
    .helpOption('-h, --help', 'show this help')
    .addHelpText('after', SIMULATE_EXAMPLES)
    .action((trace: string, given: { config: string[]; memory?: string; json?: boolean }) =>
      onSimulate({
        trace,
        configs: given.config,
        memory: checkMemory(given.memory),
        json: given.json ?? false,
      }),
    );
}

/** @throws UsageError */
function checkMemory(given: string | undefined): number {
  if (given === undefined) return Infinity;
  const bytes = Number(given);
  if (/^[0-9]+$/.test(given) && bytes > 0 && Number.isSafeInteger(bytes)) return bytes;
  throw new UsageError(`--memory ${given}: must be a number of bytes`);
}

function addGzip(program: Command, onGzip: (options: GzipOptions) => Promise<void>): void {
  let level = DEFAULT_LEVEL;
  let quiet = false;
  let verbose = false;
  const command = program
    .command('gzip')
    .summary('compress files with all cores, or decompress them')
    .description(
      'Compresses each FILE to FILE.gz with all cores, keeping mode, owner and times, and removes it.\n' +
        'With no FILE, or when FILE is -, reads standard input and writes standard output.',
    )
    .argument('[FILE...]', 'files to compress or, with -d, to decompress')
    .option('-d, --decompress', 'decompress')
    .option('-c, --stdout', 'write to standard output; keep the files')
    .option('-o, --output <FILE>', 'write to FILE; keep the input')
    .option('-k, --keep', 'keep the files')
    .option(
      '-f, --force',
      'overwrite, follow links, compress what is compressed or no regular file',
    )
    .option('-p, --threads <N>', 'start at most N threads, 1 to 120 (default: one for each core)')
    .option('--json', 'report each file as a line of JSON')
    .option('--no-progress', 'draw no progress line on the terminal')
    .helpOption('-h, --help', 'show this help')
    .addHelpText('after', `${GZIP_EXAMPLES}\n${EXIT_CODES}`)
    .action((files: string[], given: GivenOptions) =>
      onGzip(checkOptions(files, given, { level, quiet, verbose })),
    );
  // Of options that exclude each other, the last one counts.
  const onOption = (option: Option, listener: () => void): void => {
    command.addOption(option).on(`option:${option.name()}`, listener);
  };
  onOption(new Option('-q, --quiet', 'say nothing of warnings'), () => {
    [quiet, verbose] = [true, false];
  });
  onOption(new Option('-v, --verbose', 'tell of each file how it went'), () => {
    [quiet, verbose] = [false, true];
  });
  onOption(new Option('-1, --fast', 'compress fast; -2 to -8 lie between'), () => (level = 1));
  for (let between = 2; between <= 8; between++) {
    onOption(new Option(`-${between}`).hideHelp(), () => (level = between));
  }
  onOption(
    new Option('-9, --best', `compress well (default: -${DEFAULT_LEVEL})`),
    () => (level = 9),
  );
}

function version(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
