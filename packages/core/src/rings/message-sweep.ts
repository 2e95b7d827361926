/**
 * The sweep of a message ring: ends the claims that a dead thread left behind.
 *
 * A claim names its owner and its size in the one word that made it, so that nothing has to be guessed:
 * a cell that is CLAIMED or READING by the dead is the first of exactly the cells it held. The order is
 * that of the living: the index moves on first (the dead may not have come to that), the state changes
 * last. A sweeper that dies over it leaves the claim as it was, for the next.
 */
import { MillraceError } from '../errors.js';
import type { ThreadId } from '../threads/registry.js';
import { indexOf, type MessageCells } from './message-cells.js';
import {
  CLAIMED,
  ORPHANED,
  READING,
  VOID,
  VOIDED,
  countOf,
  isClaim,
  kindOf,
  ownerOf,
  type ClaimKind,
} from './message-ring-layout.js';

/** See {@link MessageRing.reclaim}. */
export function sweepMessages(
  cells: MessageCells,
  dead: ThreadId,
  orphan?: (message: Int32Array) => void,
): void {
  for (let cell = 0; cell < cells.cells; cell++) {
    const state = cells.stateOf(cell);
    const kind = kindOf(state);
    if ((kind !== CLAIMED && kind !== READING) || ownerOf(state) !== dead) continue;
    const start = positionOf(cells, cell, state, kind);
    const count = countOf(state);
    cells.moveOn(kind, start, state);
    if (kind === CLAIMED) {
      Atomics.add(cells.words, cells.at + VOIDED, count);
      cells.fillVoid(start, count);
    } else {
      Atomics.add(cells.words, cells.at + ORPHANED, count);
      if (orphan) handOver(cells, start, count, orphan);
      cells.free(start, count);
    }
  }
}

function handOver(
  cells: MessageCells,
  start: number,
  count: number,
  orphan: (message: Int32Array) => void,
): void {
  for (let i = 0; i < count; i++) {
    const message = new Int32Array(cells.messageWords);
    const length = cells.copy(start + i, message, 0);
    if (length !== VOID) orphan(message.subarray(0, length));
  }
}

/**
 * The position of the claim `state` in `cell`: at most one lap behind its index, or just there. The
 * claim's lap tells these two apart.
 */
function positionOf(cells: MessageCells, cell: number, state: number, kind: ClaimKind): number {
  const here = Atomics.load(cells.words, cells.at + indexOf(kind));
  const hereOrAfter = here + ((cell - here) & (cells.cells - 1));
  for (const position of [hereOrAfter, hereOrAfter - cells.cells]) {
    if (isClaim(state, kind, cells.lapOf(position))) return position | 0;
  }
  throw new MillraceError(
    'ERR_BAD_HANDLE',
    `Cannot reclaim cell ${cell} as its state ${state} is of no lap near position ${here}`,
  );
}
