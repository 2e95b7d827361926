/** The progress line on a terminal: drawn in place, at most ten times a second, gone at the end. */
import { readFileSync } from 'node:fs';
import { isatty } from 'node:tty';
import type { FlowProgress } from '@millrace/workers';
import { STDERR } from './descriptors.js';
import { progressText, widthOf } from './progress-text.js';

const DRAW_EVERY_MS = 100;
/** What is over sooner needs no progress line. */
const PATIENCE_MS = 300;
/** The rate is that of the last few seconds. */
const RATE_SAMPLES = 30;

const TO_LINE_START = '\r';
const ERASE_TO_SCREEN_END = '\u001b[J';
const up = (rows: number): string => (rows > 0 ? `\u001b[${rows}A` : '');

interface Sample {
  readonly atMs: number;
  readonly bytesIn: number;
}

export class ProgressLine {
  readonly #enabled: boolean;
  #name = '';
  #startedMs = 0;
  #latest: Pick<FlowProgress, 'bytesIn' | 'totalBytes'> = { bytesIn: 0, totalBytes: undefined };
  #samples: Sample[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** Columns of the line that stands on the screen; 0 when none does. */
  #drawn = 0;

  constructor(wanted: boolean) {
    this.#enabled = wanted && isatty(STDERR) && process.env['TERM'] !== 'dumb';
  }

  /** A transfer begins, of so many bytes if that is known. */
  start(name: string, totalBytes: number | undefined): void {
    if (!this.#enabled) return;
    this.#name = name;
    this.#startedMs = performance.now();
    this.#latest = { bytesIn: 0, totalBytes };
    this.#samples = [{ atMs: this.#startedMs, bytesIn: 0 }];
    this.#timer = setInterval(() => this.#tick(), DRAW_EVERY_MS).unref();
    process.stderr.on('resize', this.#redraw);
  }

  update(progress: FlowProgress): void {
    this.#latest = progress;
  }

  /** The transfer is over, or something else is to be written. */
  clear(): void {
    if (this.#drawn > 0) process.stderr.write(this.#erased());
  }

  stop(): void {
    if (!this.#timer) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    process.stderr.off('resize', this.#redraw);
    this.clear();
  }

  #tick(): void {
    const nowMs = performance.now();
    this.#samples.push({ atMs: nowMs, bytesIn: this.#latest.bytesIn });
    if (this.#samples.length > RATE_SAMPLES) this.#samples.shift();
    if (nowMs - this.#startedMs < PATIENCE_MS || !inForeground()) return;
    this.#draw(nowMs);
  }

  readonly #redraw = (): void => {
    if (this.#drawn > 0) this.#draw(performance.now());
  };

  #draw(nowMs: number): void {
    const first = this.#samples[0]!;
    const last = this.#samples.at(-1)!;
    const spanMs = Math.max(1, last.atMs - first.atMs);
    const text = progressText(
      {
        name: this.#name,
        bytesIn: last.bytesIn,
        totalBytes: this.#latest.totalBytes,
        bytesPerSecond: ((last.bytesIn - first.bytesIn) / spanMs) * 1000,
        elapsedMs: nowMs - this.#startedMs,
      },
      // A line that fills the last column makes some terminals wrap.
      columns() - 1,
    );
    process.stderr.write(this.#erased() + text);
    this.#drawn = widthOf(text);
  }

  /** What takes the line from the screen. */
  #erased(): string {
    if (this.#drawn === 0) return '';
    // A terminal that became narrower has broken the line into several.
    const rows = Math.ceil(this.#drawn / columns()) - 1;
    this.#drawn = 0;
    return TO_LINE_START + up(rows) + ERASE_TO_SCREEN_END;
  }
}

function columns(): number {
  // Some terminals do not know their size, and say 0.
  return process.stderr.columns > 0 ? process.stderr.columns : 80;
}

/** A job in the background must not scribble on the shell's prompt. Where that cannot be told, it is not one. */
function inForeground(): boolean {
  try {
    // proc(5): pid (comm) state ppid pgrp session tty_nr tpgid …
    const text = readFileSync('/proc/self/stat', 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const [, , group, , , foreground] = fields;
    return group === foreground || foreground === '-1';
  } catch {
    return true;
  }
}
