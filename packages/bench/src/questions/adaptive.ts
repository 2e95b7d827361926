/** What does it cost to copy or tee an object, with buffers of an adaptive pool and with fresh ones? */
import { Allocations } from '../measure/allocations.js';
import { measureLoad, measureSize, type Load, type Measured } from '../measure/objects.js';
import { inRounds, type Contender, type Rounds } from '../measure/rounds.js';
import { shuffled } from '../measure/shuffle.js';
import { median, quantile, ratiosOf } from '../measure/statistics.js';
import { sizeText } from '../measure/text.js';
import { Workplace, type Kind, type Work } from '../peers/object-work.js';
import { UNPOOLED_WAYS } from '../peers/unpooled.js';
import type { Answer, Question, Row, Settings, Table } from '../question.js';

const KiB = 1024;
const MiB = 1024 * KiB;

const KINDS: readonly Kind[] = ['copy', 'tee'];
const STRATEGIES = ['pooled', 'chunked', 'direct'] as const;
const STRATEGY_SIZES = [256 * KiB, 512 * KiB, MiB, 2 * MiB];
/** 1 KiB, 2 KiB … 64 MiB. */
const SIZES = Array.from({ length: 17 }, (_, power) => KiB * 2 ** power);
const QUICK_SIZES = [KiB, 64 * KiB, ...STRATEGY_SIZES];
/** The reference design's own. */
const AIMED_SIZE = 256 * KiB;

/** Of each size as many objects as make this many bytes, though no more than that. */
const LOAD = { bytes: 64 * MiB, objects: 1024 };

/**
 * Before each run garbage is collected, and compilers must get going again: they forget what they have made.
 * A tee by chunks of 256 KiB is as fast as it gets after 150 ms; at 60 ms it takes twice as long.
 */
const WARM_UP_MS = 180;

interface Case extends Work {
  readonly size: number;
}

/** A case and what came of it. */
interface Result {
  readonly case: Case;
  readonly nsPerObject: readonly number[];
  readonly allocated: number;
  readonly measured: readonly Measured[];
}

/** The cases by {@link nameOf}. */
type Results = ReadonlyMap<string, Result>;

export const adaptive: Question = {
  name: 'adaptive',
  title: 'adaptive: objects of 1 KiB to 64 MiB, copied and teed on one thread',
  asks: 'What do buffers of an adaptive pool cost, and what fresh ones?',

  async run({ quick, rounds = quick ? 1 : 5, say }: Settings): Promise<Answer> {
    const times = quick ? { ms: 2, warmUpMs: 2 } : { ms: 50, warmUpMs: WARM_UP_MS };
    const sizes = quick ? QUICK_SIZES : SIZES;
    const cases = casesOf(sizes);
    const workplace = new Workplace();
    const contenders = cases.map((each) => ({
      name: nameOf(each),
      run: () => measureSize(workplace.handle(each), each.size, times),
    }));
    const measured = await inRounds(contenders, { rounds, say });
    const results = await withAllocations(cases, measured, say);
    const load = shuffled(loadOf(sizes, quick));
    const loads = await inRounds(loadContenders(workplace, load), { rounds, say });
    return {
      tables: [strategyTable(results), ...KINDS.map((kind) => sizeTable(results, kind, sizes))],
      ratios: [
        ...aimedRows(results),
        ...KINDS.map((kind) => slowestRow(results, kind, sizes)),
        ...KINDS.map((kind) => evennessRow(results, kind, sizes)),
        ...KINDS.map((kind) => pauseRow(loads, kind)),
        ...KINDS.map((kind) => loadRow(loads, kind)),
      ],
      figures: KINDS.flatMap((kind) => loadFigures(loads, kind)),
      notes: [
        'copy: from memory that fills the given buffer, through it, to a consumer that compares each byte; tee: to two such consumers',
        'unpooled: one fresh Buffer.allocUnsafe for all of the object (whole), or one for each 64 KiB (chunks); what is compared with is the faster of the two at that size',
        'allocated: heap and array buffers, by the growth of both in a thread whose young generation is so large that nothing is collected meanwhile; the memory of the pools, made once, is not in it',
        `load: ${load.length} objects of all sizes, mixed: of each size ${LOAD.bytes / MiB} MiB, but no more than ${LOAD.objects} objects`,
        'time: without that in which the thread was ready and others had its processor, so far as the system tells; p50, p99 and p99.9 are by the clock',
        'GC, pause: collections and the time that the thread stood still for them, while the throughput was measured',
        'p50, p99, p99.9: of single objects of all rounds',
      ],
    };
  },
};

function casesOf(sizes: readonly number[]): Case[] {
  const bySize = sizes.flatMap((size) =>
    KINDS.flatMap((kind) =>
      (['adaptive', ...UNPOOLED_WAYS] as const).map((by) => ({ kind, by, size })),
    ),
  );
  const byStrategy = STRATEGY_SIZES.flatMap((size) =>
    STRATEGIES.map((by) => ({ kind: 'copy' as const, by, size })),
  );
  return [...bySize, ...byStrategy];
}

async function withAllocations(
  cases: readonly Case[],
  rounds: Rounds<Measured>,
  say: (line: string) => void,
): Promise<Results> {
  await using allocations = new Allocations();
  const results = new Map<string, Result>();
  for (const each of cases) {
    const name = nameOf(each);
    say(`what is allocated: ${name}`);
    const allocated = await allocations.of({ kind: each.kind, by: each.by, size: each.size });
    const nsPerObject = rounds.each(name, ({ elapsedNs, objects }) => elapsedNs / objects);
    results.set(name, { case: each, allocated, nsPerObject, measured: rounds.of(name) });
  }
  return results;
}

/** The sizes of all objects of a load. */
function loadOf(sizes: readonly number[], quick: boolean): number[] {
  const bytes = quick ? 2 * MiB : LOAD.bytes;
  return sizes.flatMap((size) => {
    const length = Math.min(LOAD.objects, Math.max(1, bytes / size));
    return Array.from({ length }, () => size);
  });
}

function loadContenders(workplace: Workplace, load: readonly number[]): Contender<Load>[] {
  return KINDS.flatMap((kind) =>
    (['adaptive', ...UNPOOLED_WAYS] as const).map((by) => ({
      name: loadName(kind, by),
      run: () => measureLoad(workplace.handle({ kind, by }), load),
    })),
  );
}

const HEAD = [
  'µs',
  'ns / KiB',
  'allocated, bytes',
  'GC / 1,000',
  'pause, µs',
  'p50, µs',
  'p99, µs',
  'p99.9, µs',
];

function strategyTable(results: Results): Table {
  return {
    title: 'Copies by strategy',
    head: ['', ...HEAD],
    rows: STRATEGY_SIZES.flatMap((size) =>
      STRATEGIES.map((by) => tableRow(resultOf(results, { kind: 'copy', by, size }))),
    ),
  };
}

function sizeTable(results: Results, kind: Kind, sizes: readonly number[]): Table {
  return {
    title: kind === 'copy' ? 'Copies by size' : 'Tees by size',
    head: ['', ...HEAD, 'time / faster unpooled'],
    rows: sizes.flatMap((size) =>
      (['adaptive', ...UNPOOLED_WAYS] as const).map((by) => {
        const { name, values } = tableRow(resultOf(results, { kind, by, size }));
        return { name, values: [...values, median(timeRatios(results, { kind, by, size }))] };
      }),
    ),
  };
}

function tableRow({ case: its, nsPerObject, allocated, measured }: Result): Table['rows'][number] {
  const ns = median(nsPerObject);
  const sum = (pick: (each: Measured) => number): number =>
    measured.reduce((total, each) => total + pick(each), 0);
  const objects = sum((each) => each.objects);
  const latencies = measured.flatMap((each) => [...each.latencies]);
  return {
    name: `${sizeText(its.size)}, ${its.by}`,
    values: [
      ns / 1000,
      ns / (its.size / KiB),
      allocated,
      (1000 * sum(({ count }) => count)) / objects,
      (1000 * sum(({ pauseMs }) => pauseMs)) / objects,
      ...[0.5, 0.99, 0.999].map((share) => quantile(latencies, share) / 1000),
    ],
  };
}

/** What the reference design has figures for. */
function aimedRows(results: Results): Row[] {
  const size = AIMED_SIZE;
  return KINDS.flatMap((kind) => {
    const by = kind === 'copy' ? 'pooled' : 'adaptive';
    const ours = { kind, by, size } as const;
    const { allocated } = resultOf(results, ours);
    const theirs = resultOf(results, fasterUnpooled(results, ours)).allocated;
    return [
      {
        what: `${kind} of ${sizeText(size)}, time: ${by} / unpooled`,
        unit: '×',
        values: timeRatios(results, ours),
        aim: '≤ 0.5×',
      },
      {
        what: `${kind} of ${sizeText(size)}, bytes allocated: ${by} / unpooled`,
        unit: '×',
        values: [allocated / theirs],
        aim: '≤ 0.3×',
      },
    ];
  });
}

/** The size at which an adaptive pool does worst. */
function slowestRow(results: Results, kind: Kind, sizes: readonly number[]): Row {
  const ratios = sizes.map((size) => ({
    size,
    values: timeRatios(results, { kind, by: 'adaptive', size }),
  }));
  const { size, values } = ratios.reduce((worst, each) =>
    median(each.values) > median(worst.values) ? each : worst,
  );
  return {
    what: `${kind}, time at the worst size (${sizeText(size)}): adaptive / unpooled`,
    unit: '×',
    values,
    aim: '≤ 1.05×',
  };
}

/** Whether a byte costs the same, however many there are. */
function evennessRow(results: Results, kind: Kind, sizes: readonly number[]): Row {
  const perByte = sizes
    .filter((size) => size >= MiB)
    .map((size) => {
      const { nsPerObject } = resultOf(results, { kind, by: 'adaptive', size });
      return nsPerObject.map((ns) => ns / size);
    });
  const [first = []] = perByte;
  return {
    what: `${kind} from 1 MiB on, time of a byte: dearest size / cheapest, adaptive`,
    unit: '×',
    values: first.map((_, round) => {
      const ofRound = perByte.map((values) => values[round]!);
      return Math.max(...ofRound) / Math.min(...ofRound);
    }),
    aim: '≤ 2×',
  };
}

function pauseRow(loads: Rounds<Load>, kind: Kind): Row {
  const [ours, theirs] = loadPair(loads, kind, ({ pauseMs }) => pauseMs);
  return {
    what: `${kind}, GC pauses under load: adaptive / unpooled`,
    unit: '×',
    values: ratiosOf(ours, theirs),
    aim: '≤ 0.3×',
  };
}

function loadRow(loads: Rounds<Load>, kind: Kind): Row {
  const [ours, theirs] = loadPair(loads, kind, ({ elapsedNs }) => elapsedNs);
  return {
    what: `${kind}, time under load: adaptive / unpooled`,
    unit: '×',
    values: ratiosOf(ours, theirs),
  };
}

function loadFigures(loads: Rounds<Load>, kind: Kind): Row[] {
  return (['adaptive', ...UNPOOLED_WAYS] as const).flatMap((by) => {
    const name = loadName(kind, by);
    return [
      {
        what: name,
        unit: 'ms',
        values: loads.each(name, ({ elapsedNs }) => elapsedNs / 1e6),
      },
      {
        what: `${name}, GC pauses`,
        unit: 'ms',
        values: loads.each(name, ({ pauseMs }) => pauseMs),
      },
    ];
  });
}

/** What an adaptive pool had, and the faster of the ways without one, round by round. */
function loadPair(
  loads: Rounds<Load>,
  kind: Kind,
  pick: (load: Load) => number,
): [number[], number[]] {
  const elapsed = (by: Work['by']): number =>
    median(loads.each(loadName(kind, by), ({ elapsedNs }) => elapsedNs));
  const faster = UNPOOLED_WAYS.reduce((a, b) => (elapsed(b) < elapsed(a) ? b : a));
  return [loads.each(loadName(kind, 'adaptive'), pick), loads.each(loadName(kind, faster), pick)];
}

/** The time of a case by that of the faster way without a pool, round by round. */
function timeRatios(results: Results, its: Case): number[] {
  const { nsPerObject } = resultOf(results, its);
  return ratiosOf(nsPerObject, resultOf(results, fasterUnpooled(results, its)).nsPerObject);
}

function fasterUnpooled(results: Results, { kind, size }: Case): Case {
  const cases = UNPOOLED_WAYS.map((by) => ({ kind, by, size }));
  const ns = (each: Case): number => median(resultOf(results, each).nsPerObject);
  return cases.reduce((a, b) => (ns(b) < ns(a) ? b : a));
}

function resultOf(results: Results, its: Case): Result {
  const name = nameOf(its);
  const result = results.get(name);
  if (!result) throw new RangeError(`Cannot tell of "${name}" as it was not measured`);
  return result;
}

function nameOf({ kind, by, size }: Case): string {
  return `${kind} of ${sizeText(size)}, ${by}`;
}

function loadName(kind: Kind, by: Work['by']): string {
  return `${kind} under load, ${by}`;
}
