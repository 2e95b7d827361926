#!/usr/bin/env node
/** The `millrace` command's entry. */
import { STDERR, writeText } from './descriptors.js';
import { ERROR } from './exit-codes.js';
import { main } from './program.js';
import { surprise } from './trouble.js';

/** Whatever nobody has thought of ends in one line, not in a stack. */
function giveUp(error: unknown): never {
  try {
    if ((error as NodeJS.ErrnoException | undefined)?.code !== 'EPIPE') {
      const verbose = process.argv.some((argument) => /^(-[a-z0-9]*v|--verbose$)/.test(argument));
      const stack = verbose && error instanceof Error ? `${error.stack}\n` : '';
      writeText(STDERR, `millrace: ${surprise(error).message}\n${stack}`);
    }
  } finally {
    process.exit(ERROR);
  }
}

process.on('uncaughtException', giveUp);
process.on('unhandledRejection', giveUp);

// The exit is explicit: standard input, read half, would keep the process waiting.
process.exit(await main(process.argv.slice(2)).catch(giveUp));
