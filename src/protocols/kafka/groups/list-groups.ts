/** ListGroups: all consumer groups and share groups, by state and type. Redis groups are not Kafka's to list. */
import { mayUseCluster, mayUseGroup } from "../core/authorize.ts";
import type { Handler } from "../core/call.ts";
import type { KafkaServer } from "../core/server.ts";
import { errorCodes } from "../wire/error-codes.ts";

const groupTypes = { classic: "classic", share: "share" } as const;

export const listGroups: Handler<"ListGroups"> = function* (call, { statesFilter, typesFilter }) {
  const states = new Set(statesFilter.map((state) => state.toLowerCase()));
  const types = new Set(typesFilter.map((type) => type.toLowerCase()));
  const seesAll = mayUseCluster(call, "describe");
  const groups = [];
  for (const { groupId, state, protocolType, groupType } of groupsOf(call.server)) {
    yield 1;
    if (!seesAll && !mayUseGroup(call, "describe", groupId)) continue;
    if (states.size > 0 && !states.has(state.toLowerCase())) continue;
    if (types.size > 0 && !types.has(groupType)) continue;
    groups.push({ groupId, protocolType, groupState: state, groupType });
  }
  return { errorCode: errorCodes.NONE, groups };
};

interface Listed {
  readonly groupId: string;
  readonly state: string;
  readonly protocolType: string;
  readonly groupType: string;
}

function* groupsOf({ coordinator, shares }: KafkaServer): Generator<Listed> {
  for (const group of coordinator.all()) yield { ...group, groupType: groupTypes.classic };
  for (const group of shares.all())
    yield { ...group, protocolType: groupTypes.share, groupType: groupTypes.share };
}
