/** Turns what the runtime rejects with into what a person wants to know. */
import { STDOUT } from './descriptors.js';
import type { Source } from './source.js';
import { targetExists, type Target } from './target.js';
import {
  Trouble,
  failed,
  inWords,
  reasonIn,
  surprise,
  systemError,
  type TroubleDetails,
} from './trouble.js';

/** System calls that are about the source; all others are about the target. */
const READING = new Set(['read', 'fstat']);

export function explain(error: unknown, source: Source, target: Target): Trouble {
  if (error instanceof Trouble) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  const details = { code, cause: error, spoilsOutput: target.to === STDOUT };
  switch (code) {
    case 'ERR_TARGET_EXISTS':
      return targetExists(target.name);
    case 'ERR_INPUT_CHANGED':
      return failed(
        `shrank while it was read${details.spoilsOutput ? '' : `; ${target.name} is not written`}`,
        details,
      );
    case 'ERR_INPUT_FORMAT':
      // The next file may be sound, and gzip goes on to it.
      return failed(reasonIn(message), { code, cause: error });
    default:
      return explainSystem(error, source, target, details);
  }
}

function explainSystem(
  error: unknown,
  source: Source,
  target: Target,
  details: TroubleDetails,
): Trouble {
  const cause = systemError(error);
  if (!cause) return surprise(error, details);
  const { code, syscall, path } = cause;
  if (READING.has(syscall ?? '') || (path !== undefined && path === source.from)) {
    return failed(`cannot read it: ${inWords(cause)}`, { ...details, code });
  }
  const name = target.to === STDOUT ? 'standard output' : target.name;
  if (code === 'EPIPE') {
    return failed(`${name} was closed by its reader`, { ...details, code, readerGone: true });
  }
  return failed(`cannot write ${name}: ${inWords(cause)}`, { ...details, code });
}
