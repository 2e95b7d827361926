/**
 * A printed schedule: what happened, step by step.
 *
 *   step  who       what
 *      3  thread 0  compareExchange(head, 1, 2): 1 → 2
 *         thread 0  read next[1] = 0               a plain access: it belongs to the step before it
 *      4  thread 1  dies
 */
import {
  COMPARE_EXCHANGE,
  END,
  ENQUEUED,
  LOAD,
  NAMES,
  NOTIFY,
  NOT_EQUAL,
  OK,
  READ,
  START,
  STORE,
  WAIT,
  WAKE,
  WRITE,
  indexOf,
  kindOf,
} from '../machine/operations.js';
import type { Observer } from '../machine/observer.js';
import type { State } from '../machine/state.js';
import { NONE } from '../machine/trace.js';

/** Schedules of spinning threads can be very long. */
const MOST_LINES = 200;

interface Line {
  readonly step: string;
  readonly process: number;
  readonly text: string;
}

export class Schedule implements Observer {
  readonly #state: State;
  readonly #wordOf: (index: number) => string;
  readonly #lines: Line[] = [];
  #lastStep = NONE;
  #width = 0;

  constructor(state: State, wordOf: ((index: number) => string) | undefined) {
    this.#state = state;
    this.#wordOf = wordOf ?? ((index) => `word ${index}`);
  }

  access(process: number, slot: number, depth: number, isStep: boolean, before: number): void {
    const record = this.#state.records[process]!.words;
    const head = record[slot]!;
    const a = record[slot + 1]!;
    const b = record[slot + 2]!;
    const text = this.#describe(head, a, b, record[slot + 3]!, before);
    this.#add(isStep ? depth : NONE, process, text);
  }

  death(process: number, depth: number): void {
    this.#add(depth, process, 'dies');
  }

  invoke(process: number, name: string, args: readonly unknown[]): void {
    this.#add(NONE, process, `▸ ${name}(${args.map(String).join(', ')})`);
  }

  respond(process: number, name: string, result: unknown): void {
    this.#add(NONE, process, `◂ ${name} = ${String(result)}`);
  }

  /** The lines of the schedule; of a very long one, the first and the last. */
  lines(): string[] {
    const left = this.#lines.length - MOST_LINES;
    if (left <= 0) return this.#lines.map((line) => this.#format(line));
    return [
      ...this.#lines.slice(0, MOST_LINES / 2).map((line) => this.#format(line)),
      `       … ${left} lines …`,
      ...this.#lines.slice(-MOST_LINES / 2).map((line) => this.#format(line)),
    ];
  }

  #format({ step, process, text }: Line): string {
    return `${step.padStart(5)}  ${this.#state.nameOf(process).padEnd(this.#width)}  ${text}`;
  }

  #add(depth: number, process: number, text: string): void {
    const isNew = depth !== NONE && depth !== this.#lastStep;
    if (isNew) this.#lastStep = depth;
    this.#width = Math.max(this.#width, this.#state.nameOf(process).length);
    this.#lines.push({ step: isNew ? String(depth) : '', process, text });
  }

  #describe(head: number, a: number, b: number, result: number, before: number): string {
    const kind = kindOf(head);
    const index = indexOf(head);
    const word = this.#wordOf(index);
    const after = this.#state.words[index]!;
    const change = before === after ? `stays ${after}` : `${before} → ${after}`;
    switch (kind) {
      case START:
        return 'starts';
      case END:
        return 'ends';
      case LOAD:
        return `load(${word}) = ${result}`;
      case READ:
        return `read ${word} = ${result}`;
      case WRITE:
        return `write ${word}: ${change}`;
      case STORE:
        return `store(${word}, ${a}): ${change}`;
      case COMPARE_EXCHANGE:
        return `compareExchange(${word}, ${a}, ${b}): ${before === a ? change : `is ${before}`}`;
      case NOTIFY:
        return `notify(${word}): wakes ${result}`;
      case WAIT:
        if (result === ENQUEUED) return `wait(${word}, ${a}): falls asleep`;
        return `wait(${word}, ${a}): ${result === NOT_EQUAL ? `is ${after}` : 'timed out'}`;
      case WAKE:
        return `wait(${word}): ${result === OK ? 'wakes up' : 'times out'}`;
      default:
        return `${NAMES[kind]}(${word}, ${a}): ${change}`;
    }
  }
}
