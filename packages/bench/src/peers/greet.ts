/** A small function with small arguments. piscina finds it by its name; a mill gets it by the URL of this file. */
export function greet({ id, name }: { id: number; name: string }): { id: number; text: string } {
  return { id, text: `Hello, ${name}` };
}
