/** A consumer group without a broker: virtual time, and clients that join and sync as the protocol has it. */
import type { Timer } from "../../../src/base/clock.ts";
import type { Group, GroupHost } from "../../../src/protocols/kafka/groups/group.ts";
import type { JoinDetails, JoinResult, SyncResult } from "../../../src/protocols/kafka/groups/member.ts";

/** Virtual time: timers run when `pass` moves it. */
export class VirtualHost implements GroupHost {
  now = 0;
  emptied = 0;
  #seed = 0;
  #timers: { at: number; action: () => void }[] = [];
  readonly clock = { now: (): number => this.now, monotonic: (): number => this.now };
  readonly timers = {
    after: (delayMs: number, action: () => void): Timer => {
      const timer = { at: this.now + delayMs, action };
      this.#timers.push(timer);
      return { cancel: () => (this.#timers = this.#timers.filter((other) => other !== timer)) };
    },
    atTickEnd: (action: () => void): void => action(),
  };
  readonly random = {
    below: (): number => 0,
    bytes: (size: number): Uint8Array => Buffer.alloc(size, ++this.#seed),
  };

  memberBytes = 0;

  groupEmptied(): void {
    this.emptied++;
  }

  pass(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      const due = this.#timers.filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== due);
      this.now = due.at;
      due.action();
    }
    this.now = end;
  }
}

export function detailsOf(name: string, groupInstanceId: string | null = null): JoinDetails {
  return {
    clientId: name,
    clientHost: "/here",
    groupInstanceId,
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 5000,
    protocolType: "consumer",
    protocols: [{ name: "range", metadata: Buffer.from(name) }],
  };
}

export class Client {
  readonly group: Group;
  readonly name: string;
  readonly details: JoinDetails;
  id = "";
  joined: JoinResult | null = null;
  synced: SyncResult | null = null;

  constructor(group: Group, name: string, groupInstanceId: string | null = null) {
    this.group = group;
    this.name = name;
    this.details = detailsOf(name, groupInstanceId);
  }

  get claim() {
    const { groupInstanceId } = this.details;
    return { memberId: this.id, groupInstanceId, generationId: this.joined?.generationId ?? -1 };
  }

  join(): void {
    this.joined = null;
    this.synced = null;
    this.group.join(this.id, this.details, true, (result) => {
      this.id = result.memberId;
      if (result.errorCode === 79) this.join();
      else this.joined = result;
    });
  }

  sync(): void {
    const members = this.joined!.members;
    const assignments = members.map(({ memberId }) => ({
      memberId,
      assignment: Buffer.from(`for ${memberId}`),
    }));
    this.group.sync(this.claim, { type: null, name: null }, assignments, (result) => (this.synced = result));
  }
}
