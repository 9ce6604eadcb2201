/** Amounts of memory as redis writes them: "100mb" is 100 * 2^20, "100m" is 100 million. */
export const memoryUnits: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  k: 1000,
  kb: 1 << 10,
  m: 1_000_000,
  mb: 1 << 20,
  g: 1_000_000_000,
  gb: 1 << 30,
};

/** The bytes; undefined where it is no such amount. */
export function parseMemoryAmount(text: string): number | undefined {
  const parts = /^(\d{1,15})([a-z]{0,2})$/i.exec(text);
  const unit = parts === null ? undefined : memoryUnits[parts[2]!.toLowerCase()];
  return unit === undefined ? undefined : Number(parts![1]) * unit;
}
