/** What a name on the command line means: a queue, a stream, a topic, a group or an exchange of the virtual host. */
import { CliFault } from "../fault.ts";
import { type Api, type Json, path } from "./api.ts";

export interface Destination extends Json {
  readonly name: string;
  readonly kind: "queue" | "stream" | "redis_stream" | "kafka_topic" | "redis_group" | "kafka_group";
  readonly vhost: string;
  readonly messages?: number;
  readonly messages_unacknowledged?: number;
  /** Rejected, to come again. */
  readonly messages_waiting?: number;
  /** To come at their time. */
  readonly messages_delayed?: number;
  readonly consumers?: number;
  /** Of a topic. */
  readonly partitions?: number;
  /** Of a group: the stream it belongs to. */
  readonly stream?: string;
}

/** Everything of exactly that name that holds messages, or groups. */
export async function destinationsNamed(api: Api, name: string): Promise<readonly Destination[]> {
  const at = path`/api/troika/destinations/${api.target.vhost}`;
  const found = await api.get<readonly Destination[]>(at, { name });
  return found.filter((each) => each.name === name);
}

export function isLog({ kind }: Destination): boolean {
  return kind !== "redis_group" && kind !== "kafka_group";
}

/** The queue, stream or topic of that name. @throws CliFault */
export async function logNamed(api: Api, name: string): Promise<Destination> {
  const found = (await destinationsNamed(api, name)).find(isLog);
  if (found !== undefined) return found;
  // A partition of a topic is a stream of its own, and is not in the list.
  const queue = await api.find(path`/api/queues/${api.target.vhost}/${name}`);
  if (queue !== null)
    return { ...queue, name, vhost: api.target.vhost, kind: queue["type"] === "stream" ? "stream" : "queue" };
  throw nothingNamed(api, name);
}

export function nothingNamed({ target: { vhost } }: Api, name: string): CliFault {
  return new CliFault(
    "notFound",
    `nothing in virtual host ${JSON.stringify(vhost)} is called ${JSON.stringify(name)}; see troikamq ls`,
  );
}

/** The streams that a topic's partitions are, in their order; of anything else itself. */
export async function queuesOf(
  api: Api,
  { name, kind, partitions = 1 }: Destination,
): Promise<readonly string[]> {
  if (kind !== "kafka_topic" || partitions === 1) return [name];
  const at = path`/api/exchanges/${api.target.vhost}/${name}/bindings/source`;
  const bindings = await api.get<readonly { readonly destination: string }[]>(at);
  const numberOf = (text: string): number => (text === name ? 0 : Number(text.slice(name.length + 1)));
  const names = [...new Set(bindings.map(({ destination }) => destination))];
  return names.toSorted((a, b) => numberOf(a) - numberOf(b));
}
