export function stress(options: { seconds: number; operations?: number; seed?: number }): Promise<{
  ops: number;
  kills: number;
  swept: number;
  patterns: number;
  lost: number;
  faults: string[];
}>;
