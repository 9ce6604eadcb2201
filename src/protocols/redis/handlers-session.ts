/** The handlers of connection, server, Pub/Sub, transaction and stream commands, by the command's full name. */
import { ping } from "./commands/ping.ts";
import { xadd } from "./commands/xadd.ts";
import { xrange } from "./commands/xrange.ts";
import type { CommandHandler } from "./context.ts";

export const sessionHandlers: Record<string, CommandHandler> = { ping, xadd, xrange };
