/** Types of parents.js for the TypeScript that uses it. */
export function isWaitingShell(words: readonly string[]): boolean;
export function npmParents(
  environment: Readonly<Record<string, string | undefined>>,
): [shell: number, npm: number] | undefined;
export function watchParents(parents: readonly [shell: number, npm: number], gone: () => void): void;
