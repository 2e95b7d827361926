/** Lines over time, as an SVG: panels one under the other, that share the time. */

export interface Line {
  readonly name: string;
  readonly color: string;
  /** One a step of time. */
  readonly values: readonly number[];
}

export interface Panel {
  readonly title: string;
  readonly lines: readonly Line[];
  /** From 0, or from here. */
  readonly least?: number;
}

export interface Mark {
  readonly atMs: number;
  readonly text: string;
}

const WIDTH = 860;
const PANEL = 240;
const LEFT = 70;
const RIGHT = 20;
const TOP = 40;
const GAP = 60;
const TICKS = 4;

/** @param stepMs the time between two values; the first ends the first step */
export function linePlot(
  title: string,
  panels: readonly Panel[],
  stepMs: number,
  marks: readonly Mark[],
): string {
  const steps = Math.max(
    ...panels.flatMap(({ lines }) => lines.map(({ values }) => values.length)),
  );
  const endMs = steps * stepMs;
  const x = (ms: number): number => LEFT + (ms / endMs) * (WIDTH - LEFT - RIGHT);
  const height = TOP + panels.length * (PANEL + GAP);
  const parts = [text(LEFT, 20, title, 'font-weight="bold"')];
  for (const [index, panel] of panels.entries()) {
    const top = TOP + index * (PANEL + GAP) + 20;
    parts.push(...drawn(panel, top, x, stepMs));
    for (const { atMs, text: told } of marks) {
      const at = x(atMs);
      parts.push(
        `<line x1="${at}" x2="${at}" y1="${top}" y2="${top + PANEL}" stroke="#999" stroke-dasharray="3 3"/>`,
      );
      if (index === 0) {
        parts.push(
          `<text x="${at + 3}" y="${top + PANEL - 6}" font-size="10" fill="#555" transform="rotate(-90 ${at + 3} ${top + PANEL - 6})">${escaped(told)}</text>`,
        );
      }
    }
    for (let tick = 0; tick <= TICKS; tick++) {
      const ms = (endMs * tick) / TICKS;
      parts.push(
        text(x(ms), top + PANEL + 16, `${(ms / 1000).toFixed(0)} s`, 'text-anchor="middle"'),
      );
    }
  }
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="12">\n` +
    `<rect width="100%" height="100%" fill="white"/>\n${parts.join('\n')}\n</svg>\n`
  );
}

function drawn(
  { title, lines, least = 0 }: Panel,
  top: number,
  x: (ms: number) => number,
  stepMs: number,
): string[] {
  const most = Math.max(...lines.flatMap(({ values }) => values), least + 1e-9);
  const y = (value: number): number =>
    top + PANEL - ((Math.max(value, least) - least) / (most - least)) * PANEL;
  const parts = [text(LEFT, top - 6, title, '')];
  for (let tick = 0; tick <= TICKS; tick++) {
    const value = least + ((most - least) * tick) / TICKS;
    const at = y(value);
    parts.push(
      `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at}" y2="${at}" stroke="#ddd"/>`,
      text(LEFT - 6, at + 4, value.toPrecision(3), 'text-anchor="end"'),
    );
  }
  for (const [index, { name, color, values }] of lines.entries()) {
    const points = values.map((value, step) => `${x((step + 1) * stepMs)},${y(value)}`).join(' ');
    parts.push(
      `<polyline points="${points}" fill="none" stroke="${color}" stroke-width="2"/>`,
      text(
        WIDTH - RIGHT,
        top - 6 - 14 * (lines.length - 1 - index),
        name,
        `text-anchor="end" fill="${color}"`,
      ),
    );
  }
  return parts;
}

function text(x: number, y: number, told: string, attributes: string): string {
  return `<text x="${x}" y="${y}" ${attributes}>${escaped(told)}</text>`;
}

function escaped(told: string): string {
  return told.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
