export function slopeOf(points: readonly { x: number; y: number }[]): {
  slope: number;
  confidence: number;
};
