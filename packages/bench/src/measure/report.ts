/** An answer, for people on standard output and for later in a file. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Answer, Question, Row, Table } from '../question.js';
import { warningOf, type Machine } from './machine.js';
import { repositoryRoot } from './repository.js';
import { spreadOf } from './statistics.js';
import { digits, quantity, table } from './text.js';

/** Ratios first: they are what can be compared from one machine to the next. */
export function printAnswer({ title, asks }: Question, answer: Answer, machine: Machine): void {
  const { ratios, figures, tables = [], notes } = answer;
  const lines = [
    title,
    asks,
    '',
    ...tables.flatMap(linesOf),
    ...table([
      ['ratio', 'median', 'min – max', 'rounds', 'aim'],
      ...ratios.map(cellsOf),
      [],
      ['figure', 'median', 'min – max', 'rounds', 'aim'],
      ...figures.map(cellsOf),
    ]).map((line) => line && `  ${line}`),
    '',
    ...[...notes, ...measuredOn(machine)].map((note) => `  ${note}`),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** Keeps the answer with all its values; returns where. */
export function keepAnswer(
  { name, title, asks }: Question,
  answer: Answer,
  about: { machine: Machine; quick: boolean; date: Date },
): string {
  const folder = join(repositoryRoot, '.reports', 'bench');
  const path = join(folder, `${name}-${about.date.toISOString().replaceAll(/[:.]/g, '-')}.json`);
  const withSpread = (rows: readonly Row[]) =>
    rows.map((row) => ({ ...row, ...spreadOf(row.values) }));
  const kept = {
    question: name,
    title,
    asks,
    ...about,
    ratios: withSpread(answer.ratios),
    figures: withSpread(answer.figures),
    ...(answer.tables && { tables: answer.tables }),
    notes: answer.notes,
  };
  mkdirSync(folder, { recursive: true });
  writeFileSync(path, `${JSON.stringify(kept, null, 2)}\n`);
  return path;
}

function linesOf({ title, head, rows }: Table): string[] {
  const cells = rows.map(({ name, values }) => [name, ...values.map(digits)]);
  return [title, '', ...table([head, ...cells]).map((line) => `  ${line}`), ''];
}

function measuredOn({ node, cores, cpu, othersPercent }: Machine): string[] {
  const warning = warningOf(othersPercent);
  return [`Node ${node} on ${cores} × ${cpu}`, ...(warning ? [warning] : [])];
}

function cellsOf({ what, unit, values, aim }: Row): string[] {
  const { median, min, max, rounds } = spreadOf(values);
  const range = `${quantity(min, unit)} – ${quantity(max, unit)}`;
  return [what, quantity(median, unit), range, String(rounds), aim ?? ''];
}
