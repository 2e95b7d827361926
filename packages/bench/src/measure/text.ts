/** Numbers and tables for people to read. */

/** About three digits that mean something: 0.0123, 1.23, 12.3, 123, 1,234. */
export function digits(value: number): string {
  const size = Math.abs(value);
  if (size >= 99.95) return Math.round(value).toLocaleString('en-US');
  if (size >= 9.995) return value.toFixed(1);
  if (size >= 0.0995 || size === 0) return value.toFixed(2);
  return value.toPrecision(2);
}

/** A number and its unit, if it has one; ratios are written close. */
export function quantity(value: number, unit: string): string {
  return unit === '×' ? `${digits(value)}×` : `${digits(value)} ${unit}`.trimEnd();
}

/** Bytes as decimal megabytes, or kilobytes when there are few. */
export function bytesText(bytes: number): string {
  return bytes < 1e6 ? quantity(bytes / 1e3, 'kB') : quantity(bytes / 1e6, 'MB');
}

/** Sizes that are whole in KiB, MiB or GiB, which buffers and objects are. */
export function sizeText(bytes: number): string {
  if (bytes < 2 ** 20) return `${bytes / 2 ** 10} KiB`;
  return bytes < 2 ** 30 ? `${bytes / 2 ** 20} MiB` : `${bytes / 2 ** 30} GiB`;
}

/** A number of things. */
export function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** Milliseconds, as seconds where there are many of them. */
export function duration(ms: number): string {
  return ms < 1000 ? quantity(ms, 'ms') : `${(ms / 1000).toFixed(2)} s`;
}

/** Lines of columns as wide as their widest cell: the first column to the left, the rest to the right. */
export function table(rows: readonly (readonly string[])[], gap = 3): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    });
  }
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0]!) : ' '.repeat(gap) + cell.padStart(widths[column]!),
      )
      .join('')
      .trimEnd(),
  );
}
