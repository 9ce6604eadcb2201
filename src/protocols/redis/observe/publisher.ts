/** Who published a message, for whoever asks why it did not come (broker/look/unroutable.ts). */
import type { Publisher } from "../../../broker/look/unroutable.ts";
import type { CommandContext } from "../core/context.ts";

const nowhere = { host: "", port: 0 };

/** Of a script, the client that called it. */
export function publisherOf({ caller, clientOrNull }: CommandContext): Publisher {
  const { user, name: clientName, host } = caller;
  const ends = clientOrNull?.connection ?? { local: nowhere, remote: { host, port: 0 } };
  return { protocol: "redis", user, clientName, local: ends.local, remote: ends.remote };
}
