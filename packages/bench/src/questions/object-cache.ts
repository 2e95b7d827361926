/** What does a proxy that keeps what it passes on gain by an adaptive pool? */
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import autocannon from 'autocannon';
import { inRounds, type Rounds } from '../measure/rounds.js';
import { startServer, type ServerProcess } from '../measure/servers.js';
import { shuffled } from '../measure/shuffle.js';
import { ratiosOf } from '../measure/statistics.js';
import { TempFolder } from '../measure/temp-folder.js';
import { sizeText } from '../measure/text.js';
import type { Answer, Question, Row, Settings } from '../question.js';

const KiB = 1024;
const MiB = 1024 * KiB;
const CONNECTIONS = 16;
const WAYS = ['adaptive', 'plain'] as const;

/** How many of a thousand objects have this size. */
const MIX: readonly (readonly [size: number, count: number])[] = [
  [KiB, 250],
  [4 * KiB, 250],
  [16 * KiB, 200],
  [64 * KiB, 150],
  [256 * KiB, 100],
  [MiB, 40],
  [4 * MiB, 7],
  [16 * MiB, 2],
  [64 * MiB, 1],
];
const SIZES = MIX.flatMap(([size, count]) => Array.from({ length: count }, () => size));

/** `misses`: nobody has asked for an object before. `hits`: somebody has asked for each. */
const PHASES = ['misses', 'hits'] as const;
type Phase = (typeof PHASES)[number];

interface Served {
  readonly requestsPerSecond: number;
  readonly mbPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Processor time that the proxy took for a request, in microseconds. */
  readonly processorUs: number;
}

type Round = Record<Phase, Served> & { readonly peakMb: number };

export const objectCache: Question = {
  name: 'object-cache',
  title: `object-cache: a caching proxy, objects of 1 KiB to 64 MiB, ${CONNECTIONS} connections`,
  asks: 'How much faster is a caching proxy over an adaptive pool than the same one over plain streams?',

  async run({ quick, rounds = quick ? 1 : 5, say }: Settings): Promise<Answer> {
    const seconds = quick ? 1 : 5;
    const child = fileURLToPath(new URL('../children/origin-child.js', import.meta.url));
    await using origin = await startServer(child, []);
    const contenders = WAYS.map((way) => ({
      name: way,
      run: () => serve(way, origin.url, seconds),
    }));
    const measured = await inRounds<Round>(contenders, { rounds, say });
    return {
      ratios: PHASES.flatMap((phase) => [
        ratioRow(
          `${phase}, requests a second: adaptive / plain`,
          measured,
          (round) => round[phase].requestsPerSecond,
        ),
        ratioRow(
          `${phase}, processor time a request: adaptive / plain`,
          measured,
          (round) => round[phase].processorUs,
        ),
        ratioRow(`${phase}, p99: adaptive / plain`, measured, (round) => round[phase].p99Ms),
      ]),
      figures: WAYS.flatMap((way) => [
        ...PHASES.flatMap((phase) => [
          {
            what: `${phase}, ${way}, a second`,
            unit: 'MB' as const,
            values: measured.each(way, (round) => round[phase].mbPerSecond),
          },
          {
            what: `${phase}, ${way}, requests a second`,
            unit: '' as const,
            values: measured.each(way, (round) => round[phase].requestsPerSecond),
          },
          {
            what: `${phase}, ${way}, processor time a request`,
            unit: 'µs' as const,
            values: measured.each(way, (round) => round[phase].processorUs),
          },
          {
            what: `${phase}, ${way}, p50`,
            unit: 'ms' as const,
            values: measured.each(way, (round) => round[phase].p50Ms),
          },
          {
            what: `${phase}, ${way}, p99`,
            unit: 'ms' as const,
            values: measured.each(way, (round) => round[phase].p99Ms),
          },
        ]),
        {
          what: `peak memory, ${way}`,
          unit: 'MB' as const,
          values: measured.each(way, ({ peakMb }) => peakMb),
        },
      ]),
      notes: [
        'the example object-cache, in a process of its own; its origin in another; autocannon in this one: they share the cores, and autocannon, which parses bodies in JavaScript, needs most of one',
        'misses: each object is fetched, sent and written to a file; hits: it is sent from its file',
        `of a thousand objects: ${MIX.map(([size, count]) => `${count} of ${sizeText(size)}`).join(', ')}`,
      ],
    };
  },
};

/** A proxy from its start to its end. */
async function serve(way: string, origin: string, seconds: number): Promise<Round> {
  using folder = new TempFolder();
  const cache = folder.file('cache');
  mkdirSync(cache);
  const program = fileURLToPath(import.meta.resolve('@millrace/examples/object-cache'));
  await using proxy = await startServer(program, [origin, cache, '0', way]);
  await load(proxy, 1, (client, i, size) => `/${size}-warm-${client}-${i}`);
  const misses = await load(proxy, seconds, (client, i, size) => `/${size}-new-${client}-${i}`);
  const hot = (_client: number, i: number, size: number): string =>
    `/${size}-hot-${size < MiB ? i % 50 : 0}`;
  await load(proxy, 1, hot);
  const hits = await load(proxy, seconds, hot);
  return { misses, hits, peakMb: proxy.peakBytes() / 1e6 };
}

/** Asks for objects for some seconds, each connection for one after the other. */
async function load(
  proxy: ServerProcess,
  seconds: number,
  pathOf: (client: number, i: number, size: number) => string,
): Promise<Served> {
  let clients = 0;
  const beforeMs = proxy.processorMs();
  const result = await autocannon({
    url: proxy.url,
    connections: CONNECTIONS,
    duration: seconds,
    timeout: 60,
    setupClient(client) {
      const number = clients++;
      const sizes = shuffled(SIZES, number + 1);
      client.setRequests(
        sizes.map((size, i) => ({ method: 'GET', path: pathOf(number, i, size) })),
      );
    },
  });
  const { errors, non2xx, requests, throughput, latency, duration } = result;
  if (errors + non2xx > 0) throw new Error(`${errors} requests failed, ${non2xx} were refused`);
  return {
    requestsPerSecond: requests.total / duration,
    mbPerSecond: throughput.total / 1e6 / duration,
    p50Ms: latency.p50,
    p99Ms: latency.p99,
    processorUs: (1000 * (proxy.processorMs() - beforeMs)) / requests.total,
  };
}

function ratioRow(what: string, measured: Rounds<Round>, pick: (round: Round) => number): Row {
  return {
    what,
    unit: '×',
    values: ratiosOf(measured.each('adaptive', pick), measured.each('plain', pick)),
  };
}
