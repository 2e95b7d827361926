export interface Growth {
  /** Of memory in an hour, as a part of the budget. */
  partAnHour: number;
  /** It is that within so much, with 95 % probability. */
  confidence: number;
  samples: number;
}

export interface Soak {
  operations: number;
  /** By name. */
  counts: Record<string, number>;
  /** Slices, and buffers of the adaptive pool, that are lent at the end. */
  live: number;
  activeBuffers: number;
  /** Of heap and array buffers, of what the pools use of the budget, and of the process. */
  growth: { heap: Growth; pools: Growth; resident: Growth };
  faults: string[];
}

export function soak(options: {
  seconds: number;
  seed?: number;
  say?: (line: string) => void;
}): Promise<Soak>;

export function percent(part: number): string;
