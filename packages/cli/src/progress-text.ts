/**
 * The progress line as text, in as many columns as there are:
 *
 *   big.log  [==========>         ]  52%  249 MB of 480 MB  83.1 MB/s  0:03 left
 *   standard input  249 MB  83.1 MB/s  0:03                                          size not known
 *
 * When space is short the bar shrinks, then pieces go, the least telling first.
 */
import { bytesText, clockText, shown } from './text.js';

export interface ProgressState {
  readonly name: string;
  readonly bytesIn: number;
  readonly totalBytes: number | undefined;
  readonly bytesPerSecond: number;
  readonly elapsedMs: number;
}

const GAP = '  ';
const LONGEST_NAME = 32;
const LONGEST_BAR = 30;
const SHORTEST_BAR = 8;

export function progressText(state: ProgressState, columns: number): string {
  return state.totalBytes === undefined
    ? withoutTotal(state, columns)
    : withTotal(state, state.totalBytes, columns);
}

function withTotal(state: ProgressState, totalBytes: number, columns: number): string {
  // The file may have grown.
  const share = totalBytes > 0 ? Math.min(1, state.bytesIn / totalBytes) : 0;
  const percent = `${Math.floor(share * 100)}%`.padStart(4);
  const rate = `${bytesText(state.bytesPerSecond)}/s`;
  const left =
    state.bytesPerSecond > 0
      ? `${clockText((Math.max(0, totalBytes - state.bytesIn) / state.bytesPerSecond) * 1000)} left`
      : '-:-- left';
  const bytes = `${bytesText(state.bytesIn)} of ${bytesText(totalBytes)}`;
  const name = nameText(state.name);

  const rest = [percent, bytes, rate, left].join(GAP);
  const room = columns - widthOf(name) - rest.length - 2 * GAP.length - '[]'.length;
  if (room >= SHORTEST_BAR) {
    return [name, barText(share, Math.min(room, LONGEST_BAR)), rest].join(GAP);
  }
  return firstThatFits(columns, [
    [name, rest],
    [rest],
    [percent, rate, left],
    [percent, left],
    [percent],
  ]);
}

function withoutTotal(state: ProgressState, columns: number): string {
  const name = nameText(state.name);
  const bytes = bytesText(state.bytesIn);
  const rate = `${bytesText(state.bytesPerSecond)}/s`;
  const elapsed = clockText(state.elapsedMs);
  return firstThatFits(columns, [
    [name, bytes, rate, elapsed],
    [bytes, rate, elapsed],
    [bytes, rate],
    [bytes],
  ]);
}

function firstThatFits(columns: number, choices: string[][]): string {
  const lines = choices.map((pieces) => pieces.join(GAP));
  return lines.find((line) => widthOf(line) <= columns) ?? '';
}

function barText(share: number, cells: number): string {
  const done = Math.floor(share * cells);
  const bar = done === cells ? '='.repeat(cells) : `${'='.repeat(done)}>`.padEnd(cells);
  return `[${bar}]`;
}

/** The end of a name tells more than its beginning: that is where the file is. */
function nameText(name: string): string {
  if (name === '-') return 'standard input';
  const characters = Array.from(shown(name));
  let start = 0;
  let width = widthOf(characters.join(''));
  if (width <= LONGEST_NAME) return characters.join('');
  while (width > LONGEST_NAME - '..'.length) width -= widthOf(characters[start++]!);
  return `..${characters.slice(start).join('')}`;
}

/** Columns that `text` takes, or more: beyond the alphabets of Europe any character may take two. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += character.codePointAt(0)! < 0x1100 ? 1 : 2;
  return width;
}
