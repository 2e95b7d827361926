/** Which name becomes which, by gzip's rules. */

/** Suffixes of compressed files, in lower case; gzip takes them in any case. */
const SUFFIXES = ['.gz', '.z', '.taz', '.tgz', '-gz', '-z', '_z'];

/** What gzip tries to add to a name that does not exist, when it decompresses. */
export const GUESSED_SUFFIXES = ['.gz', '.z', '-z', '.Z'] as const;

/** The suffix that tells that `name` is compressed, as it stands in the name. */
export function gzipSuffix(name: string): string | undefined {
  const lower = name.toLowerCase();
  const suffix = SUFFIXES.find(
    // A file called ".gz" has no name in front of the suffix.
    (known) => lower.endsWith(known) && !['', '/'].includes(lower.at(-known.length - 1) ?? ''),
  );
  return suffix && name.slice(-suffix.length);
}

export function compressedName(name: string): string {
  return `${name}.gz`;
}

/** The name without its suffix, `.tar` for `.tgz`; `undefined` when the suffix is none that we know. */
export function decompressedName(name: string): string | undefined {
  const suffix = gzipSuffix(name);
  if (suffix === undefined) return undefined;
  const isTar = ['.tgz', '.taz'].includes(suffix.toLowerCase());
  return name.slice(0, -suffix.length) + (isTar ? '.tar' : '');
}
