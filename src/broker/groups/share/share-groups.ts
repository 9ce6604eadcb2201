/**
 * The share groups of a virtual host that are kept: their settings, and in which topics they are.
 *
 *     share-group/[virtual host, group] -> { isGroup, topics, settings }
 *
 * What a group holds of a partition is the group of that name of the partition's stream (group-cursor.ts). A group without members stays, as
 * in Kafka; settings may be there before their group and after it. Not here: members (protocols/kafka/share/). Invariant: each change is in
 * the table of definitions before the call returns.
 */
import type { Storage } from "../../../storage/index.ts";
import { definitionKey } from "../../names.ts";
import { type ShareSettings, usualShareSettings } from "./share-settings.ts";

export interface ShareGroupDefinition {
  /** False: only settings are known. */
  isGroup: boolean;
  /** Broker names of topics in which the group has been. */
  topics: string[];
  /** As Kafka's clients gave them. */
  configs: Record<string, string>;
  settings: Partial<ShareSettings>;
}

interface Known {
  isGroup: boolean;
  readonly topics: Set<string>;
  configs: Readonly<Record<string, string>>;
  settings: ShareSettings;
  given: Partial<ShareSettings>;
}

const noConfigs: Readonly<Record<string, string>> = {};
const noTopics: ReadonlySet<string> = new Set();

export class ShareGroups {
  readonly #vhost: string;
  readonly #definitions: Storage["definitions"];
  readonly #known = new Map<string, Known>();

  constructor(vhost: string, definitions: Storage["definitions"]) {
    this.#vhost = vhost;
    this.#definitions = definitions;
  }

  has(group: string): boolean {
    return this.#known.get(group)?.isGroup === true;
  }

  *names(): Generator<string> {
    for (const [name, { isGroup }] of this.#known) if (isGroup) yield name;
  }

  settingsOf(group: string): ShareSettings {
    return this.#known.get(group)?.settings ?? usualShareSettings;
  }

  configsOf(group: string): Readonly<Record<string, string>> {
    return this.#known.get(group)?.configs ?? noConfigs;
  }

  /** Broker names. */
  topicsOf(group: string): ReadonlySet<string> {
    return this.#known.get(group)?.topics ?? noTopics;
  }

  #knownOr(group: string): Known {
    let known = this.#known.get(group);
    if (known === undefined) {
      known = {
        isGroup: false,
        topics: new Set(),
        configs: noConfigs,
        settings: usualShareSettings,
        given: {},
      };
      this.#known.set(group, known);
    }
    return known;
  }

  /** The group is there from now on, and in these topics. */
  enter(group: string, topics: readonly string[]): void {
    const known = this.#knownOr(group);
    const before = known.topics.size;
    for (const topic of topics) known.topics.add(topic);
    if (known.isGroup && known.topics.size === before) return;
    known.isGroup = true;
    this.#put(group, known);
  }

  setConfigs(group: string, configs: Readonly<Record<string, string>>, given: Partial<ShareSettings>): void {
    const known = this.#knownOr(group);
    known.configs = configs;
    known.given = given;
    known.settings = { ...usualShareSettings, ...given };
    this.#putOrForget(group, known);
  }

  /** The group has left the topic. */
  leave(group: string, topic: string): void {
    const known = this.#known.get(group);
    if (known?.topics.delete(topic) === true) this.#put(group, known);
  }

  /** The settings stay. */
  delete(group: string): void {
    const known = this.#known.get(group);
    if (known === undefined) return;
    known.isGroup = false;
    known.topics.clear();
    this.#putOrForget(group, known);
  }

  #key(group: string): string {
    return definitionKey("share-group", this.#vhost, group);
  }

  #put(group: string, { isGroup, topics, configs, given }: Known): void {
    const definition: ShareGroupDefinition = { isGroup, topics: [...topics], configs, settings: given };
    this.#definitions.put(this.#key(group), JSON.stringify(definition));
  }

  #putOrForget(group: string, known: Known): void {
    if (known.isGroup || Object.keys(known.configs).length > 0) return this.#put(group, known);
    this.#known.delete(group);
    this.#definitions.delete(this.#key(group));
  }

  restore(group: string, { isGroup, topics, configs, settings }: ShareGroupDefinition): void {
    this.#known.set(group, {
      isGroup,
      topics: new Set(topics),
      configs,
      settings: { ...usualShareSettings, ...settings },
      given: settings,
    });
  }
}
