/** Which assignor ("protocol") a group uses: of those that all members know, the one that most of them like best. Pure. */
import type { GroupMember } from "./member.ts";

type Members = ReadonlyMap<string, GroupMember>;

export function isSharedByAll(members: Members, protocol: string): boolean {
  for (const member of members.values()) if (!member.hasProtocol(protocol)) return false;
  return true;
}

/** Each member votes for the first in its list that all members know; of equal votes the first cast counts. */
export function electProtocol(members: Members): string {
  const votes = new Map<string, number>();
  const [first] = members.values();
  const shared = new Set<string>();
  for (const { name } of first!.details.protocols) if (isSharedByAll(members, name)) shared.add(name);
  for (const { details } of members.values()) {
    const choice = details.protocols.find(({ name }) => shared.has(name))!.name;
    votes.set(choice, (votes.get(choice) ?? 0) + 1);
  }
  return [...votes].reduce((best, vote) => (vote[1] > best[1] ? vote : best))[0];
}
