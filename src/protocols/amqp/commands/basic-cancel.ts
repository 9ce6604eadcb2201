import type { Channel } from "../channel/channel.ts";
import type { MethodArguments } from "../wire/methods.ts";

/** Ends a consumer; what it holds stays outstanding on the channel. An unknown tag is answered just so. */
export function basicCancel(channel: Channel, values: MethodArguments["basic.cancel"]): void {
  const consumer = channel.consumers.get(values.consumerTag);
  if (channel.directReply?.tag === values.consumerTag) {
    channel.session.server.directReplies.delete(channel.directReply.replyName);
    channel.directReply = null;
  } else if (consumer !== undefined) {
    // Messages published before this method still go to the consumer.
    consumer.queue.catchUp();
    channel.consumers.delete(values.consumerTag);
    consumer.queue.used();
    consumer.stop();
  }
  if (!values.noWait) channel.reply("basic.cancel-ok", { consumerTag: values.consumerTag });
}
