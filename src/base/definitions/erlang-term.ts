/**
 * A JSON value as Erlang's `~p` prints it, which is how RabbitMQ names a faulty value in its texts: `<<"text">>`, `[1,2]`.
 *
 * Not here: the sentences around it. Invariant: the text is bounded, whatever a client has sent.
 */

/** A longer term is cut: it comes from a client and goes back to it. */
const textMax = 2000;
/** Erlang breaks a list over lines where it does not fit into one. */
const lineMax = 80;

export function erlangTerm(value: unknown): string {
  const text = termOf(value);
  return text.length > textMax ? `${text.slice(0, textMax)}...` : text;
}

/** An object as RabbitMQ keeps it: a list of pairs, of which the keys are sorted. */
export function erlangPairs(object: Readonly<Record<string, unknown>>): string {
  const pairs = Object.keys(object)
    .toSorted()
    .map((key) => `{${binary(key)},${termOf(object[key])}}`);
  const line = `[${pairs.join(",")}]`;
  const text = line.length < lineMax ? line : `[${pairs.join(",\n ")}]`;
  return text.length > textMax ? `${text.slice(0, textMax)}...` : text;
}

function binary(text: string): string {
  return `<<"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}">>`;
}

function termOf(value: unknown): string {
  if (value === undefined) return "undefined";
  if (typeof value === "string") return binary(value);
  if (Array.isArray(value)) return `[${value.map(termOf).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).map(([key, item]) => `${binary(key)} => ${termOf(item)}`);
    return `#{${entries.join(",")}}`;
  }
  return JSON.stringify(value);
}
