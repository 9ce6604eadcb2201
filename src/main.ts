/** What `troikamq start` runs: the library's wiring with settled options. See cli/commands/start.ts for signals. */
import type { Config } from "./base/config/config.ts";
import { type RunningBroker, startConfigured } from "./embed.ts";

export function runStart(config: Config): Promise<RunningBroker> {
  return startConfigured(config);
}
