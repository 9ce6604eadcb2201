/**
 * Who goes by the name of one static member of a Kafka group (group.instance.id): only the last to have joined is served.
 *
 * One is newer than another for certain when it asked to join after the other had been told that it had. Not here: positions
 * (ConsumerGroupModel).
 */
import { Fault } from "../model.ts";

interface Membership {
  readonly memberId: string;
  readonly askedAt: number;
  readonly toldAt: number;
}

export class StaticMemberModel {
  readonly instance: string;
  readonly #memberships: Membership[] = [];

  constructor(instance: string) {
    this.instance = instance;
  }

  /** Without an id of its own: it is given a new one. */
  joined(membership: Membership): void {
    const { memberId } = membership;
    if (this.#memberships.some((other) => other.memberId === memberId))
      throw new Fault(`${this.instance}: ${memberId} was given to two`);
    this.#memberships.push(membership);
  }

  /** Another goes by its name, and knew it before number `askedAt`: then nothing of what it asks may be done. */
  isFenced(memberId: string, askedAt: number): boolean {
    const own = this.#memberships.find((each) => each.memberId === memberId);
    return this.#memberships.some(
      (other) => own !== undefined && other.askedAt > own.toldAt && other.toldAt < askedAt,
    );
  }

  /** A request of that member, sent at `askedAt`, was done. */
  taken(what: string, memberId: string, askedAt: number): void {
    if (this.isFenced(memberId, askedAt))
      throw new Fault(`${what} of ${memberId} was taken, though another is ${this.instance} by now`);
  }
}
