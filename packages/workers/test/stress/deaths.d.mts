export function dieInAllWays(options: {
  deaths: number;
  seed?: number;
  say?: (line: string) => void;
}): Promise<{
  deaths: number;
  rounds: number;
  tasks: number;
  slowestMs: number;
  slowest: string;
  faults: string[];
}>;
