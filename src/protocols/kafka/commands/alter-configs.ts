/** AlterConfigs: the settings named here replace all that a topic had. */
import { alterTopic } from "../alter-configs.ts";
import type { Handler } from "../call.ts";

export const alterConfigs: Handler<"AlterConfigs"> = (call, request) => ({
  responses: request.resources.map((resource) =>
    alterTopic(call, resource, request.validateOnly, (settings) => {
      for (const name of Object.keys(settings)) delete settings[name];
      for (const { name, value } of resource.configs) {
        if (value === null) {
          return { error: "INVALID_REQUEST", text: `Null value not supported for topic configs: ${name}` };
        }
        settings[name] = value;
      }
      return null;
    }),
  ),
});
