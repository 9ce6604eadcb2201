/**
 * This broker as the one node of a Redis cluster: who it is, where clients reach it, and which requests a node refuses because
 * their keys are in different slots.
 *
 * Not here: what the commands answer (topology.ts, slots.ts). A broker that is no cluster has none of this: `RedisServer.cluster`
 * is null then, and a request pays for one look at that field. Invariant: the node owns all slots, so no key is ever elsewhere;
 * it refuses what any other cluster would refuse too, so that a program that works here works on several nodes.
 */
import { createHash } from "node:crypto";
import { plainHost } from "../../../base/addresses.ts";
import type { Connection } from "../../../base/connection.ts";
import { clusterIdOf } from "../../../broker/cluster-id.ts";
import type { Broker } from "../../../broker/broker.ts";
import { findKeys } from "../core/command-keys.ts";
import type { CommandSpec } from "../core/command-spec.ts";
import type { CommandTable } from "../core/command-table.ts";
import { RedisError } from "../core/errors.ts";
import type { RequestArguments } from "../wire/request-arguments.ts";
import { keySlot } from "./key-slot.ts";

/** The address that clients are told where the one by which they came is of no use to others. */
export interface ClusterOptions {
  readonly host: string | undefined;
  readonly port: number | undefined;
  /** For clients that came over TLS. */
  readonly tlsPort: number | undefined;
}

/** No key has been named. */
export const noSlot = -1;
/** Keys of different slots have been named. */
const severalSlots = -2;

/** A script, as far as it matters to which slots its commands come. */
export interface ScriptSlots {
  /** Its first line says `allow-cross-slot-keys`, or it has none. */
  readonly mayCrossSlots: boolean;
  /** The slot of all keys so far. */
  slot: number;
}

interface Queued {
  readonly spec: CommandSpec;
  readonly request: RequestArguments;
}

export class ClusterNode {
  /** Ids are 40 hex digits, the same for as long as the data directory lives. */
  readonly id: string;
  readonly shardId: string;
  readonly #options: ClusterOptions;
  /** By the command's id, whether a request can name several keys. */
  readonly #namesSeveral: Uint8Array;

  constructor(broker: Broker, commands: CommandTable, options: ClusterOptions) {
    const clusterId = clusterIdOf(broker.storage, broker.random);
    this.id = idOf("node", clusterId);
    this.shardId = idOf("shard", clusterId);
    this.#options = options;
    this.#namesSeveral = Uint8Array.from(commands.all, (spec) => (namesSeveral(spec) ? 1 : 0));
  }

  /** The address for this client: the one by which it came, unless the configuration sets another. */
  addressFor(connection: Connection): { host: string; ip: string; port: number } {
    const { host, port, tlsPort } = this.#options;
    const ip = plainHost(connection.local.host);
    const told = connection.isEncrypted ? tlsPort : port;
    return { host: host ?? ip, ip, port: told ?? connection.local.port };
  }

  /** @throws CROSSSLOT where the request names keys of different slots. */
  assertOneSlot(spec: CommandSpec, request: RequestArguments): void {
    if (this.#namesSeveral[spec.id] === 0) return;
    if (slotOfKeys(spec, request, noSlot) === severalSlots) throw crossSlot();
  }

  /** @throws CROSSSLOT where the commands of a transaction name keys of different slots. */
  assertOneSlotOfAll(commands: readonly Queued[]): void {
    let slot = noSlot;
    for (const { spec, request } of commands) {
      slot = slotOfKeys(spec, request, slot);
      if (slot === severalSlots) throw crossSlot();
    }
  }

  /** The slot of the keys that the request names, if it is one. */
  slotOf(spec: CommandSpec, request: RequestArguments): number {
    return slotOfKeys(spec, request, noSlot);
  }

  /** For a command that a script calls. */
  assertSlotOfScript(spec: CommandSpec, request: RequestArguments, script: ScriptSlots | null): void {
    const slot = slotOfKeys(spec, request, noSlot);
    if (slot === severalSlots)
      throw new RedisError("ERR Script attempted to access a non local key in a cluster node");
    if (slot === noSlot || script === null || script.mayCrossSlots) return;
    if (script.slot === noSlot) script.slot = slot;
    else if (script.slot !== slot)
      throw new RedisError("ERR Script attempted to access keys that do not hash to the same slot");
  }
}

function idOf(what: string, clusterId: string): string {
  return createHash("sha1").update(`${what}\0${clusterId}`).digest("hex");
}

function crossSlot(): RedisError {
  return new RedisError("CROSSSLOT Keys in request don't hash to the same slot");
}

function namesSeveral({ keys }: CommandSpec): boolean {
  if (keys.length !== 1) return keys.length > 1;
  const { begin, find } = keys[0]!;
  return begin.type !== "index" || find.type !== "range" || find.lastKey !== 0;
}

/** The slot of all keys and shard channels of the request, with those before it. Arguments that do not fit the rules name no key. */
function slotOfKeys(spec: CommandSpec, request: RequestArguments, before: number): number {
  if (spec.keys.length === 0) return before;
  let slot = before;
  for (const { index } of findKeys(spec, request, true) ?? []) {
    const own = keySlot(request.buffer, request.starts[index]!, request.ends[index]!);
    if (slot === noSlot) slot = own;
    else if (slot !== own) return severalSlots;
  }
  return slot;
}
