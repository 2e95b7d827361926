/** The error of a side whose other side has gone. */
import { MillraceError } from '../errors.js';

export function ringClosed(message: string): MillraceError {
  return new MillraceError('ERR_RING_CLOSED', message);
}
