/** The types of copying.mjs. */
export function copyFile(from: string, to: string): Promise<void>;
