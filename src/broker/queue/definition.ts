/** The options of a new queue or stream, and its definition as it is stored. */
import type { ArgumentTypes } from "../exchange/routing/plain-arguments.ts";
import type { BindingArguments } from "../exchange/routing/router.ts";
import type { GroupCursor } from "../groups/group-cursor.ts";
import type { PolicyLayers } from "../policy/policy.ts";
import type { TtlEra } from "../policy/ttl-eras.ts";

export type QueueKind = "queue" | "stream";

export interface QueueOptions {
  name: string;
  kind: QueueKind;
  durable: boolean;
  /** The connection that owns an exclusive queue; the queue is deleted with it. 0 for none. */
  exclusiveOwner: number;
  autoDelete: boolean;
  args: BindingArguments;
  argTypes?: ArgumentTypes | undefined;
  /** Made by being written to, not by a declaration. */
  isImplicit?: boolean;
  layers?: PolicyLayers | undefined;
  ttlEras?: readonly TtlEra[] | undefined;
  /** Wall time at which it is deleted, ms (timed-deletions.ts); absent: never. */
  deleteAt?: number;
  /** Of the log that it is made of. */
  groups?: Map<string, GroupCursor>;
}

/** A queue as it is stored. */
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
