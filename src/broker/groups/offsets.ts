/**
 * Offset cursors: what each group committed for each topic partition (Kafka consumer groups).
 *
 * Every commit is in the table before the call returns; membership of groups is the protocol's business.
 * Invariant: a group is in a topic's set exactly as long as it has a commit for it.
 */
import { assertInvariant, assertsAreOn } from "../../base/assert.ts";
import { definitionKey } from "../names.ts";
import type { Storage } from "../../storage/index.ts";

export interface CommittedOffset {
  readonly offset: number;
  readonly leaderEpoch: number;
  readonly metadata: string;
  /** Wall time of the commit, ms. */
  readonly at: number;
}

/** Commits of one group: topic -> partition -> offset. */
export type GroupCommits = Map<string, Map<number, CommittedOffset>>;

export class GroupOffsets {
  readonly #vhost: string;
  readonly #definitions: Storage["definitions"];
  readonly groups = new Map<string, GroupCommits>();
  /** Of a group in the broker's form. Who knows the members says it: until then there are none. */
  hasMembers: (group: string) => boolean = () => false;
  /** Groups with commits for a topic, so that a topic goes without a look at all groups. */
  readonly #groupsOf = new Map<string, Set<string>>();

  /** `vhost`: the name of the virtual host. */
  constructor(vhost: string, definitions: Storage["definitions"]) {
    this.#vhost = vhost;
    this.#definitions = definitions;
  }

  /** For a client to hear. */
  get(group: string, topic: string, partition: number): CommittedOffset | undefined {
    return this.groups.get(group)?.get(topic)?.get(partition);
  }

  commit(group: string, topic: string, partition: number, committed: CommittedOffset): void {
    this.#set(group, topic, partition, committed);
    this.#definitions.put(this.#key(group, topic, partition), JSON.stringify(committed));
  }

  #set(group: string, topic: string, partition: number, committed: CommittedOffset): void {
    let topics = this.groups.get(group);
    if (topics === undefined) this.groups.set(group, (topics = new Map()));
    let partitions = topics.get(topic);
    if (partitions === undefined) {
      topics.set(topic, (partitions = new Map()));
      const groups = this.#groupsOf.get(topic);
      if (groups === undefined) this.#groupsOf.set(topic, new Set([group]));
      else groups.add(group);
    }
    partitions.set(partition, committed);
    if (assertsAreOn) this.#assertIndexed(group, topic);
  }

  #assertIndexed(group: string, topic: string): void {
    const hasCommit = this.groups.get(group)?.has(topic) ?? false;
    const isIndexed = this.#groupsOf.get(topic)?.has(group) ?? false;
    assertInvariant(hasCommit === isIndexed, "a group is in a topic's set as long as it has a commit for it");
  }

  /** Whether any group has committed for the topic. */
  hasTopic(topic: string): boolean {
    return this.#groupsOf.has(topic);
  }

  /** Whether a group with positions in the topic may have got that record: what its members have fetched beyond those is not known. */
  mayHaveRead(topic: string, partition: number, offset: number): boolean {
    const groups = this.#groupsOf.get(topic);
    if (groups === undefined) return false;
    for (const group of groups) {
      const committed = this.get(group, topic, partition);
      if (this.hasMembers(group) || (committed !== undefined && committed.offset > offset)) return true;
    }
    return false;
  }

  #forgetTopicOf(group: string, topic: string): void {
    const groups = this.#groupsOf.get(topic);
    if (groups?.delete(group) === true && groups.size === 0) this.#groupsOf.delete(topic);
  }

  #key(group: string, topic: string, partition: number): string {
    return definitionKey("offset", this.#vhost, group, topic, String(partition));
  }

  delete(group: string, topic: string, partition: number): boolean {
    const topics = this.groups.get(group);
    const partitions = topics?.get(topic);
    if (partitions === undefined || !partitions.delete(partition)) return false;
    if (partitions.size === 0) {
      topics!.delete(topic);
      this.#forgetTopicOf(group, topic);
    }
    if (topics!.size === 0) this.groups.delete(group);
    if (assertsAreOn) this.#assertIndexed(group, topic);
    this.#definitions.delete(this.#key(group, topic, partition));
    return true;
  }

  deleteGroup(group: string): boolean {
    const topics = this.groups.get(group);
    if (topics === undefined) return false;
    for (const [topic, partitions] of topics) {
      for (const partition of partitions.keys()) this.delete(group, topic, partition);
    }
    return true;
  }

  deleteTopic(topic: string): void {
    for (const group of this.#groupsOf.get(topic) ?? []) {
      for (const partition of this.groups.get(group)!.get(topic)!.keys())
        this.delete(group, topic, partition);
    }
  }

  restore(group: string, topic: string, partition: number, committed: CommittedOffset): void {
    this.#set(group, topic, partition, committed);
  }
}
