/**
 * Deletes virtual hosts with everything in them, in slices: connections, queues, exchanges, parameters, rights, and what waits for them in
 * the broker's own virtual hosts (delayed messages, dead letters, recent messages).
 *
 * The virtual host is out of `broker.vhosts`, its rights are gone, and a mark is among the definitions from the call on, all written
 * with the same tick: a kill before it leaves the virtual host whole, a kill after it has the deletion go on at the start. Nothing is made
 * in it from then on (`Vhost.assertExists`), whoever still holds it: a client's channel, an import.
 * Invariants: a name is in one deletion at most; a virtual host is made again under the name only when nothing of the old one is left.
 */
import { BrokerError } from "../base/errors.ts";
import type { Job, RunningJob } from "../base/turn-work.ts";
import type { Broker } from "./broker.ts";
import {
  companionPrefixes,
  defaultVhostName,
  definitionKey,
  type DefinitionKind,
  isHiddenVhost,
  namesOfKey,
  shownName,
} from "./names.ts";
import type { Vhost } from "./vhost.ts";

const unitsOfConnection = 30;
const unitsOfQueue = 12;
const unitsOfExchange = 6;

export class VhostDeletions {
  readonly #broker: Broker;
  readonly #running = new Map<string, RunningJob>();

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  /** Deletes it. It is gone for everybody at once; the promise resolves when nothing is left of it. */
  delete(vhost: Vhost): Promise<void> {
    const { definitions } = this.#broker.storage;
    definitions.put(definitionKey("vhost-deletion", vhost.name), "{}");
    definitions.delete(definitionKey("vhost", vhost.name));
    this.#deleteRights(vhost.name);
    return this.#run(vhost);
  }

  /** Start-up: a deletion that was begun goes on, and what there is of a virtual host that has no definition goes. */
  resume(): void {
    const { vhosts, parameters, storage, logger } = this.#broker;
    const has = (kind: DefinitionKind, name: string): boolean =>
      storage.definitions.get(definitionKey(kind, name)) !== undefined;
    const names = new Set([...vhosts.keys(), ...[...parameters.all()].map(({ vhost }) => vhost)]);
    for (const [key] of storage.definitions.entries("vhost-deletion/")) names.add(namesOfKey(key)[0]!);
    for (const name of names) {
      if (name === defaultVhostName || isHiddenVhost(name) || has("vhost", name)) continue;
      if (!has("vhost-deletion", name))
        logger.warn("what an earlier version has left of a deleted virtual host is deleted", {
          vhost: shownName(name),
        });
      void this.delete(this.#broker.createVhost(name));
    }
  }

  /** Ends the deletion of that name now, if there is one. Throws UNAVAILABLE where it failed. */
  finish(name: string): void {
    this.#running.get(name)?.finish();
    if (this.#broker.storage.definitions.get(definitionKey("vhost-deletion", name)) === undefined) return;
    throw new BrokerError(
      "UNAVAILABLE",
      `virtual host '${shownName(name)}' was not deleted whole; see the log, and start the broker again`,
    );
  }

  #run(vhost: Vhost): Promise<void> {
    const broker = this.#broker;
    broker.vhosts.delete(vhost.name);
    vhost.isDeleted = true;
    vhost.policies.close();
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const { name } = vhost;
    const job = broker.work.run(this.#deleting(vhost), (outcome) => {
      if ("error" in outcome) {
        const reason = outcome.error instanceof Error ? outcome.error.message : String(outcome.error);
        broker.logger.error("a virtual host was not deleted whole; the next start goes on with it", {
          reason,
        });
      }
      this.#running.delete(name);
      resolve();
    });
    if (job.isRunning) this.#running.set(name, job);
    return ended;
  }

  #deleteRights(name: string): void {
    const { users } = this.#broker.access;
    for (const user of users.all()) {
      if (!Object.hasOwn(user.permissions, name) && !Object.hasOwn(user.topicPermissions, name)) continue;
      const { [name]: _, ...permissions } = user.permissions;
      const { [name]: __, ...topicPermissions } = user.topicPermissions;
      users.set({ ...user, permissions, topicPermissions });
    }
  }

  *#deleting(vhost: Vhost): Job<void> {
    for (const connection of vhost.connections) {
      connection.closeFor(`vhost '${shownName(vhost.name)}' is deleted`);
      yield unitsOfConnection;
    }
    for (const queue of vhost.queues.values()) {
      vhost.deleteQueue(queue);
      yield unitsOfQueue;
    }
    for (const exchange of vhost.exchanges.values()) {
      vhost.deleteExchange(exchange);
      yield unitsOfExchange;
    }
    // Last: nothing comes there any more. At the start nobody knows yet what waits, so the logs are deleted, whoever they are for.
    for (const prefix of Object.values(companionPrefixes)) {
      const companion = this.#broker.vhosts.get(prefix + vhost.name);
      if (companion === undefined) continue;
      for (const queue of companion.queues.values()) {
        companion.deleteQueue(queue);
        yield unitsOfQueue;
      }
      this.#broker.vhosts.delete(companion.name);
    }
    this.#broker.parameters.deleteVhost(vhost.name);
    this.#broker.storage.definitions.delete(definitionKey("vhost-deletion", vhost.name));
  }
}
