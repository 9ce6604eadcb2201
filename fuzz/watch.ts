/**
 * Counts what is allocated by size, so that an announced length that is believed is found on the input that brings it.
 *
 * Sees `Buffer`'s makers, which all of src/ uses for sizes from outside. Not seen: what native code takes (compressors),
 * and arrays; for those the runner looks at the process now and then.
 */
let allocated = 0;

type Maker = (size: number, ...rest: never[]) => Buffer;

for (const name of ["alloc", "allocUnsafe", "allocUnsafeSlow"] as const) {
  const make = Buffer[name] as Maker;
  const counted: Maker = (size, ...rest) => {
    allocated += size;
    return make.call(Buffer, size, ...rest);
  };
  Object.defineProperty(Buffer, name, { value: counted, configurable: true, writable: true });
}

/** Bytes allocated since the process began. */
export function bytesAllocated(): number {
  return allocated;
}

/** Milliseconds of this process's own work since now, so that a busy machine makes no input slow. */
export function stopwatch(): () => number {
  const started = performance.now();
  const usage = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(usage);
    // Collecting threads count as work too, but never beyond the time that passed.
    return Math.min(performance.now() - started, (user + system) / 1000);
  };
}
