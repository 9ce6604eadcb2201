import type { Channel } from "../channel/channel.ts";

/** A relic of 0-8: every ticket is granted, and means nothing. */
export function accessRequest(channel: Channel): void {
  channel.reply("access.request-ok", { ticket: 1 });
}
