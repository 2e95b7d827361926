import { MillraceError } from './errors.js';

/**
 * How every setting and option is refused.
 *
 * @param action what cannot be done, up to the setting's name: `make pools with`
 * @param rule what the value must be
 * @returns MillraceError `ERR_INVALID_ARG`
 */
export function invalidSetting(
  action: string,
  name: string,
  value: unknown,
  rule: string,
): MillraceError {
  return new MillraceError(
    'ERR_INVALID_ARG',
    `Cannot ${action} "${name}" of ${String(value)} as it must be ${rule}`,
  );
}
