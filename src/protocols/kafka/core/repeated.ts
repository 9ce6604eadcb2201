/** What a request names more than once, which Kafka refuses where an answer for each would be work without an end. */
export function repeatedOf<Item>(items: readonly Item[], keyOf: (item: Item) => string): ReadonlySet<string> {
  const seen = new Set<string>();
  const repeated = new Set<string>();
  for (const item of items) {
    const key = keyOf(item);
    (seen.has(key) ? repeated : seen).add(key);
  }
  return repeated;
}
