/** Names, sizes and times as people read them. */

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'];

/** `999 B`, `1.0 kB`, `480 MB`: three digits, decimal units. */
export function bytesText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // 999.5 would be shown as 1000.
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit > 0 && value < 9.95 ? 1 : 0;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

/** `0:07`, `12:34`, `1:02:03`. */
export function clockText(ms: number): string {
  const seconds = Math.round(ms / 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  return hours > 0
    ? `${hours}:${two(minutes)}:${two(seconds % 60)}`
    : `${minutes}:${two(seconds % 60)}`;
}

/** `0.004 s`, `3.2 s`, `12:34`. */
export function durationText(ms: number): string {
  if (ms >= 100_000) return clockText(ms);
  return `${(ms / 1000).toFixed(ms < 95 ? 3 : 1)} s`;
}

/** Bytes for each second; 0 when no time has passed. */
export function perSecond(bytes: number, elapsedMs: number): number {
  return elapsedMs > 0 ? (bytes / elapsedMs) * 1000 : 0;
}

/** A file's name, safe to show: it may hold escape sequences that would play tricks on a terminal. */
export function shown(name: string): string {
  if (name === '') return "''";
  return name.replace(/[\p{Control}\u2028\u2029]/gu, (character) => {
    const code = character.charCodeAt(0).toString(16);
    return code.length > 2 ? `\\u${code}` : `\\x${code.padStart(2, '0')}`;
  });
}
