/** The faults of all rooms, and which unit tests are the first to look for them. */
import type { RoomMutant } from "../mutant.ts";
import { brokerMutants } from "./broker.ts";
import { copiesMutants } from "./copies.ts";
import { foundationMutants } from "./foundation.ts";
import { blockingMutants } from "./blocking.ts";
import { listMutants } from "./lists.ts";
import { protocolMutants } from "./protocols.ts";
import { storageMutants } from "./storage.ts";
import { strangerMutants } from "./strangers.ts";

export const roomMutants: readonly RoomMutant[] = [
  ...foundationMutants,
  ...storageMutants,
  ...brokerMutants,
  ...copiesMutants,
  ...blockingMutants,
  ...listMutants,
  ...protocolMutants,
  ...strangerMutants,
];

/** What concerns all rooms: what is left behind, and what a restart keeps. */
const everywhere = ["unit/project/leaks", "unit/project/restart-keeps"];

/** The folder under test/unit that is named after the room of the fault's file, and what concerns all rooms. */
export function unitTestsOf({ file }: RoomMutant): readonly string[] {
  const parts = file.split("/");
  return [`unit/${parts[1] === "protocols" ? parts[2]! : parts[1]!}/`, ...everywhere];
}
