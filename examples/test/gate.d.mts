export const wait: (gate: Int32Array) => void;
