/** The same for piscina, which finds it by this name. */
export function length(bytes: Uint8Array | undefined): number {
  return bytes?.length ?? 0;
}
