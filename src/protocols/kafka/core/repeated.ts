/** Items that a request names more than once. Kafka refuses them if answering each would be unbounded work. */
export function repeatedOf<Item>(items: readonly Item[], keyOf: (item: Item) => string): ReadonlySet<string> {
  const seen = new Set<string>();
  const repeated = new Set<string>();
  for (const item of items) {
    const key = keyOf(item);
    (seen.has(key) ? repeated : seen).add(key);
  }
  return repeated;
}
