/** Types of runtime.js for the TypeScript that uses it (scripts and tests). */
export function bunPackages(
  platform: string,
  architecture: string,
  isPresent?: (path: string) => boolean,
): string[];
export function findBun(): string | undefined;
export function findNode(): string | undefined;
export function stripsTypes(version: string): boolean;
export function chooseRuntime(
  wanted: string | undefined,
  find?: { bun: () => string | undefined; node: () => string | undefined },
): { path: string; args: string[]; problem?: never } | { path?: never; args?: never; problem: string };
