/** A task as its submitter keeps it: what goes into a cell, on what terms, and who is told of the outcome. */
import type { SlotRef } from '@millrace/core/internal';
import type { Configured } from '../ops/configurations.js';
import type { Priority } from './claims.js';

/** What a cell says once its task is done. One object, filled anew for each task: read it at once. */
export interface Outcome {
  /** One of the layout's RESULT kinds, never FAILED. */
  kind: number;
  size: number;
  value: number;
  /** A copy of the bytes for IN_CELL, the value for BY_LETTER. */
  payload: unknown;
}

/** On what terms a task runs. One object serves many tasks. */
export interface Terms {
  readonly priority: Priority;
  /** It is a chunk of a large operation. */
  readonly bulk: boolean;
  /** It belongs to an operation that holds a permit for large ones. */
  readonly large: boolean;
  /** How long it may run, from when a worker begins it; 0 for as long as it likes. */
  readonly timeoutMs: number;
  /** How often it is tried again when it has failed, and after how long; twice that the next time. */
  readonly retries: number;
  readonly backoffMs: number;
}

export const USUAL_TERMS: Terms = {
  priority: 2,
  bulk: false,
  large: false,
  timeoutMs: 0,
  retries: 0,
  backoffMs: 0,
};

/** Where a task is that the dispatcher has, in no cell. */
export const IN_NO_CELL = -1;
/** The dispatcher does not have it: it has yet to be submitted, was refused, or has settled. */
export const ELSEWHERE = -2;

/** What the dispatcher notes of a task that does not just run and end. */
export interface Trouble {
  /** How often its thread died. */
  deaths: number;
  /** How often it has failed. */
  failures: number;
  /** A worker that is not to have it again, or 0. */
  avoid: number;
  /** It has been stopped, and this is what it fails with. */
  stopped: { readonly error: unknown } | undefined;
  /** Looks after its time. */
  timer: NodeJS.Timeout | undefined;
}

/** There may be tens of thousands at a time: what many have in common should be its class's, not its own. */
export interface Task {
  readonly config: Configured;
  readonly terms: Terms;
  /** Whether it may run again when it has failed, or its thread has died midway. */
  readonly idempotent: boolean;
  readonly input: SlotRef | -1;
  readonly offset: number;
  readonly lead: number;
  readonly length: number;
  readonly output: SlotRef | -1;
  readonly room: number;
  /** The descriptor that the worker reads the input from, or −1. */
  readonly file: number;
  readonly position: number;
  /** Whether the file is open for direct reads: whole pages are read, for which the slot has room. */
  readonly direct?: boolean;
  /** The descriptor that the worker writes the output to, at the same position, or −1. */
  readonly target: number;
  readonly last: boolean;
  /** The dispatcher's: in which cell it is. To begin with, {@link ELSEWHERE}. */
  cell: number;
  /** The dispatcher's. */
  trouble: Trouble | undefined;
  /** `done` or `failed` is called, once and never synchronously. */
  done(outcome: Outcome): void;
  failed(error: unknown): void;
  /** It was stopped, but had ended nevertheless: what came of it is to be given back. `failed` follows. */
  discard?(outcome: Outcome): void;
}

/** The task's own notes of trouble. */
export function troubleOf(task: Task): Trouble {
  return (task.trouble ??= {
    deaths: 0,
    failures: 0,
    avoid: 0,
    stopped: undefined,
    timer: undefined,
  });
}
