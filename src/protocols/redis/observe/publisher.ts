/** Who published a message, for whoever asks why it did not come (broker/look/unroutable.ts), and for traces (broker/trace/). */
import type { Publisher } from "../../../broker/look/unroutable.ts";
import type { CommandContext } from "../core/context.ts";

const nowhere = { host: "", port: 0 };

/** Of a script, the client that called it. */
function publisherOf({ caller, clientOrNull }: CommandContext): Publisher {
  const { user, name: clientName, host } = caller;
  const ends = clientOrNull?.connection ?? { local: nowhere, remote: { host, port: 0 } };
  return { protocol: "redis", user, clientName, local: ends.local, remote: ends.remote };
}

let asked: CommandContext | null = null;

function publisherAsked(): Publisher {
  return publisherOf(asked!);
}

/** Says it when asked, until another command publishes: one function for all messages. */
export function publisherIn(context: CommandContext): () => Publisher {
  asked = context;
  return publisherAsked;
}
