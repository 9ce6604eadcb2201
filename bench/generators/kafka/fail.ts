/**
 * How a generator ends that met what must not be: it says so and is gone, whatever was still under way.
 * It is not left to an exception out of a handler, since Bun prints one and goes on while the main module still awaits.
 */
export function fail(error: unknown): never {
  console.error(error instanceof Error ? error.stack : error);
  process.exit(1);
}
