/**
 * What chunks cost, learnt from what was measured: so many nanoseconds a chunk, and so many a byte.
 *
 * A least-squares fit of ns = a × chunks + b × bytes, in which old measurements fade. What one knows
 * beforehand counts as two measurements that never fade: where all operations have the same chunks, a and
 * b cannot be told apart, and the fit then goes no farther from that than it must.
 */

/** Of memory copied through two calls, on a machine of these years. */
const KNOWN_CHUNK_NS = 2000;
const KNOWN_BYTE_NS = 0.15;
/** What such a measurement that never fades weighs against one that has just been made. */
const KNOWN_WEIGHT = 0.02;
/** A measurement counts half after about seven others. */
const FADE = 0.9;
/** One operation in so many is measured. */
const MEASURED_EVERY = 16;
/** Bytes are counted in these, so that both unknowns are of one magnitude. */
const UNIT_BYTES = 16 * 1024;

export class CostModel {
  #chunks2 = 0;
  #chunksUnits = 0;
  #units2 = 0;
  #chunksNs = 0;
  #unitsNs = 0;
  #chunkNs = KNOWN_CHUNK_NS;
  #byteNs = KNOWN_BYTE_NS;
  #unmeasured = 0;

  /** Nanoseconds that a chunk takes beside its bytes. */
  get chunkNs(): number {
    return this.#chunkNs;
  }

  /** Nanoseconds that a byte takes. */
  get byteNs(): number {
    return this.#byteNs;
  }

  /** Nanoseconds that `chunks` chunks of together `bytes` bytes will take. */
  expect(chunks: number, bytes: number): number {
    return this.#chunkNs * chunks + this.#byteNs * bytes;
  }

  /** Whether the operation that begins is one to be measured: the others need no clock. */
  due(): boolean {
    this.#unmeasured = (this.#unmeasured + 1) % MEASURED_EVERY;
    return this.#unmeasured === 0;
  }

  /** Takes in that `chunks` chunks of together `bytes` bytes took `ns`. */
  observe(chunks: number, bytes: number, ns: number): void {
    if (!(chunks > 0 && bytes > 0 && ns > 0)) return;
    // Each operation is one measurement, whatever its size: of its average chunk.
    const units = bytes / chunks / UNIT_BYTES;
    const perChunk = ns / chunks;
    this.#chunks2 = this.#chunks2 * FADE + 1;
    this.#chunksUnits = this.#chunksUnits * FADE + units;
    this.#units2 = this.#units2 * FADE + units * units;
    this.#chunksNs = this.#chunksNs * FADE + perChunk;
    this.#unitsNs = this.#unitsNs * FADE + units * perChunk;
    this.#solve();
  }

  #solve(): void {
    const c2 = this.#chunks2 + KNOWN_WEIGHT;
    const u2 = this.#units2 + KNOWN_WEIGHT;
    const cn = this.#chunksNs + KNOWN_WEIGHT * KNOWN_CHUNK_NS;
    const un = this.#unitsNs + KNOWN_WEIGHT * KNOWN_BYTE_NS * UNIT_BYTES;
    const cu = this.#chunksUnits;
    const determinant = c2 * u2 - cu * cu;
    const chunkNs = (cn * u2 - un * cu) / determinant;
    const unitNs = (un * c2 - cn * cu) / determinant;
    // Noise may make one of them negative: it is nothing then, and the other has it all.
    this.#chunkNs = unitNs < 0 ? cn / c2 : Math.max(1, chunkNs);
    this.#byteNs = Math.max(1e-3, chunkNs < 0 ? un / u2 : unitNs) / UNIT_BYTES;
  }
}
