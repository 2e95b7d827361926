/**
 * What a parser finds: runs of literals, each followed by a match. Beside the sequences themselves it
 * counts how often each symbol occurs, and what kinds of symbols come, for the splitting of blocks.
 *
 *   literals before the match (32 bits) │ length, 9 bits │ offset's symbol, 7 bits │ offset, 16 bits
 */
import {
  FIRST_LENGTH,
  LENGTH_SLOT,
  LITLENS,
  LITLEN_FREQ,
  OFFSETS,
  OFFSET_FREQ,
  SEQUENCES,
  SEQUENCES_END,
} from './layout';
import { Offset } from './tables';

let nextSequence: u32 = 0;
/** Where the literals began that have no match yet. */
let runBegin: u32 = 0;

export function beginSequences(begin: u32): void {
  nextSequence = SEQUENCES;
  runBegin = begin;
  memory.fill(LITLEN_FREQ, 0, 4 * (LITLENS + OFFSETS));
}

/** The literals at the end have no match. */
export function endSequences(end: u32): void {
  store<u32>(nextSequence, end - runBegin);
  store<u32>(nextSequence + 4, 0);
  nextSequence += 8;
}

export function sequencesAt(): u32 {
  return nextSequence;
}

export function sequencesFull(): bool {
  return nextSequence >= SEQUENCES_END;
}

/** Inlined by the compiler, which takes that order for methods alone. */
export class Sequences {
  @inline
  static addLiteral(literal: u32): void {
    const place = literal << 2;
    store<u32>(place, load<u32>(place, LITLEN_FREQ) + 1, LITLEN_FREQ);
  }

  /** A match at `position`. */
  @inline
  static addMatch(position: u32, length: u32, offset: u32): void {
    const lengthPlace = (<u32>load<u8>(length, LENGTH_SLOT)) << 2;
    store<u32>(
      lengthPlace,
      load<u32>(lengthPlace, LITLEN_FREQ + 4 * FIRST_LENGTH) + 1,
      LITLEN_FREQ + 4 * FIRST_LENGTH,
    );
    const slot = Offset.offsetSlot(offset);
    store<u32>(slot << 2, load<u32>(slot << 2, OFFSET_FREQ) + 1, OFFSET_FREQ);
    const sequence = nextSequence;
    store<u32>(sequence, position - runBegin);
    store<u32>(sequence, length | (slot << 9) | (offset << 16), 4);
    nextSequence = sequence + 8;
    runBegin = position + length;
  }
}
