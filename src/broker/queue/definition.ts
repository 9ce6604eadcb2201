/** What a queue or stream is made with, and what the table keeps of it. */
import type { ArgumentTypes } from "../exchange/routing/plain-arguments.ts";
import type { BindingArguments } from "../exchange/routing/router.ts";
import type { GroupCursor } from "../groups/group-cursor.ts";
import type { PolicyLayers } from "./policy.ts";
import type { TtlEra } from "./ttl-eras.ts";

export type QueueKind = "queue" | "stream";

export interface QueueOptions {
  name: string;
  kind: QueueKind;
  durable: boolean;
  /** The connection that alone may use it; it is deleted with that connection. 0 for none. */
  exclusiveOwner: number;
  autoDelete: boolean;
  args: BindingArguments;
  argTypes?: ArgumentTypes | undefined;
  /** It comes into being by being written to; nobody declares it. */
  isImplicit?: boolean;
  layers?: PolicyLayers | undefined;
  ttlEras?: readonly TtlEra[] | undefined;
  /** Wall time at which it is deleted, ms (timed-deletions.ts); absent: never. */
  deleteAt?: number;
  /** Of the log that it is made of. */
  groups?: Map<string, GroupCursor>;
}

/** A queue in the table. */
export interface QueueDefinition {
  kind: QueueKind;
  autoDelete: boolean;
  args: BindingArguments;
  argTypes?: ArgumentTypes | undefined;
  log: number;
  cursor: number;
  isImplicit?: true;
  layers?: PolicyLayers;
  ttlEras?: readonly TtlEra[];
  deleteAt?: number;
}
