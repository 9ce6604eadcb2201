/** AlterConfigs: the settings named here replace all that a topic or group had. */
import { alterResources } from "./changed-configs.ts";
import type { Handler } from "../core/call.ts";

export const alterConfigs: Handler<"AlterConfigs"> = (call, { resources, validateOnly }) =>
  alterResources(call, resources, validateOnly, (settings, { configs }) => {
    for (const name of Object.keys(settings)) delete settings[name];
    for (const { name, value } of configs) {
      if (value === null) {
        return { error: "INVALID_REQUEST", text: `Null value not supported for topic configs: ${name}` };
      }
      settings[name] = value;
    }
    return null;
  });
