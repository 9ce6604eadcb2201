/** What `npm run load` holds the broker to, in the order in which it runs. */
import type { Scenario } from "../base/scenario.ts";
import { stoppedReaders } from "./stopped-readers.ts";
import { unacked } from "./unacked.ts";

export const scenarios: readonly Scenario[] = [unacked, stoppedReaders];
