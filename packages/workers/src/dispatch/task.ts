/** A task as the coordinator keeps it: what goes into a cell, and who is told of the outcome. */
import type { SlotRef } from '@millrace/core/internal';
import type { Configured } from '../ops/configurations.js';

/** What a cell says once its task is done. One object, filled anew for each task: read it at once. */
export interface Outcome {
  /** One of the layout's RESULT kinds, never FAILED. */
  kind: number;
  size: number;
  value: number;
  /** A copy of the bytes for IN_CELL, the value for BY_MESSAGE. */
  payload: unknown;
}

export interface Task {
  readonly config: Configured;
  input: SlotRef | -1;
  offset: number;
  lead: number;
  length: number;
  output: SlotRef | -1;
  room: number;
  /** The descriptor that the worker reads the input from, or −1. */
  file: number;
  position: number;
  last: boolean;
  /** Whether it may run again when its thread dies midway. */
  readonly idempotent: boolean;
  /** How often it has begun to run and its thread died. */
  deaths: number;
  done(outcome: Outcome): void;
  failed(error: unknown): void;
}
