/** The matrix of rights: AMQP's methods, through a client library. */
import type { Channel, ChannelModel, ConfirmChannel } from "amqplib";
import type { Operation, Outcome } from "./cell.ts";

interface Row {
  readonly of: string;
  readonly what?: string;
  readonly needs: string;
  /** By an administrator, before. */
  readonly before?: (channel: Channel, name: string) => Promise<unknown>;
  readonly run: (channel: ConfirmChannel, name: string) => Promise<unknown>;
}

const body = Buffer.from("x");

async function queue(channel: Channel, name: string): Promise<void> {
  await channel.deleteQueue(name);
  await channel.assertQueue(name);
  channel.sendToQueue(name, body);
}

async function noQueue(channel: Channel, name: string): Promise<void> {
  await channel.deleteQueue(name);
}

async function exchanges(channel: Channel, name: string): Promise<void> {
  await channel.assertExchange(name, "topic");
  await channel.assertExchange(`${name}-other`, "topic");
}

async function queueAndExchange(channel: Channel, name: string): Promise<void> {
  await channel.assertExchange(`${name}-other`, "topic");
  await channel.assertQueue(name);
}

async function noExchange(channel: Channel, name: string): Promise<void> {
  await channel.deleteExchange(name);
}

/** Dead letters go to the default exchange. */
const toDefault = { "x-dead-letter-exchange": "" };

const rows: readonly Row[] = [
  {
    of: "queue.declare",
    needs: "create",
    before: noQueue,
    run: (channel, name) => channel.assertQueue(name),
  },
  {
    of: "queue.declare",
    what: "with a dead-letter exchange",
    needs: "create read settle write",
    before: noQueue,
    run: (channel, name) => channel.assertQueue(name, { deadLetterExchange: `${name}-other` }),
  },
  {
    of: "queue.declare",
    what: "with dead letters for one queue, by the default exchange",
    needs: "create read settle amqp:default write",
    before: noQueue,
    run: (channel, name) =>
      channel.assertQueue(name, { arguments: { ...toDefault, "x-dead-letter-routing-key": `${name}-dead` } }),
  },
  {
    of: "queue.declare",
    what: "with dead letters for the queues that their keys name, of which none may be denied",
    needs: "create read settle amqp:default write",
    before: noQueue,
    run: (channel, name) => channel.assertQueue(name, { arguments: toDefault }),
  },
  // As in RabbitMQ: whoever knows a name may ask whether it is there.
  {
    of: "queue.declare",
    what: "passive",
    needs: "",
    before: queue,
    run: (channel, name) => channel.checkQueue(name),
  },
  { of: "queue.delete", needs: "delete", before: queue, run: (channel, name) => channel.deleteQueue(name) },
  {
    of: "queue.purge",
    needs: "read settle",
    before: queue,
    run: (channel, name) => channel.purgeQueue(name),
  },
  {
    of: "queue.bind",
    needs: "write read",
    before: queueAndExchange,
    run: (channel, name) => channel.bindQueue(name, `${name}-other`, "k"),
  },
  {
    of: "queue.unbind",
    needs: "write read",
    before: queueAndExchange,
    run: (channel, name) => channel.unbindQueue(name, `${name}-other`, "k"),
  },
  {
    of: "exchange.declare",
    needs: "create",
    before: noExchange,
    run: (channel, name) => channel.assertExchange(name, "topic"),
  },
  {
    of: "exchange.declare",
    what: "with an alternate exchange",
    needs: "create read write",
    before: noExchange,
    run: (channel, name) => channel.assertExchange(name, "topic", { alternateExchange: `${name}-other` }),
  },
  {
    of: "exchange.declare",
    what: "with the default exchange as the alternate one: for any queue, so none may be denied",
    needs: "create read amqp:default write",
    before: noExchange,
    run: (channel, name) =>
      channel.assertExchange(name, "topic", { arguments: { "alternate-exchange": "" } }),
  },
  {
    of: "exchange.declare",
    what: "passive",
    needs: "",
    before: exchanges,
    run: (channel, name) => channel.checkExchange(name),
  },
  {
    of: "exchange.delete",
    needs: "delete",
    before: exchanges,
    run: (channel, name) => channel.deleteExchange(name),
  },
  {
    of: "exchange.bind",
    needs: "write read",
    before: exchanges,
    run: (channel, name) => channel.bindExchange(name, `${name}-other`, "k"),
  },
  {
    of: "exchange.unbind",
    needs: "write read",
    before: exchanges,
    run: (channel, name) => channel.unbindExchange(name, `${name}-other`, "k"),
  },
  {
    of: "basic.consume",
    needs: "read settle",
    before: queue,
    async run(channel, name): Promise<void> {
      const { consumerTag } = await channel.consume(name, () => {});
      await channel.cancel(consumerTag);
    },
  },
  {
    of: "basic.consume",
    what: "of a stream",
    needs: "read",
    before: (channel, name) =>
      channel.assertQueue(`${name}-stream`, { arguments: { "x-queue-type": "stream" } }),
    async run(channel, name): Promise<void> {
      await channel.prefetch(1);
      const { consumerTag } = await channel.consume(`${name}-stream`, () => {});
      await channel.cancel(consumerTag);
    },
  },
  {
    of: "basic.get",
    needs: "read settle",
    before: queue,
    run: (channel, name) => channel.get(name, { noAck: true }),
  },
  {
    of: "basic.publish",
    needs: "write",
    before: exchanges,
    async run(channel, name): Promise<void> {
      channel.publish(name, "k", body);
      await channel.waitForConfirms();
    },
  },
  {
    of: "basic.publish",
    what: "to a queue, by the default exchange: which needs its own right, and no denial of the queue's",
    needs: "amqp:default write",
    before: queue,
    async run(channel, name): Promise<void> {
      channel.sendToQueue(name, body);
      await channel.waitForConfirms();
    },
  },
  ...(["CC", "BCC"] as const).map((header): Row => {
    return {
      of: "basic.publish",
      what: `to a queue that only ${header} names`,
      needs: "amqp:default write",
      before: queue,
      async run(channel, name): Promise<void> {
        channel.publish("", "nobody's", body, { [header]: [name] });
        await channel.waitForConfirms();
      },
    };
  }),
  {
    of: "basic.publish",
    what: "to one who waits for a direct reply",
    needs: "amqp:default",
    async run(channel): Promise<void> {
      channel.publish("", "amq.rabbitmq.reply-to.nobody's", body);
      await channel.waitForConfirms();
    },
  },
  {
    of: "basic.consume",
    what: "of direct replies: as in RabbitMQ, everybody may have them",
    needs: "",
    async run(channel): Promise<void> {
      const { consumerTag } = await channel.consume("amq.rabbitmq.reply-to", () => {}, { noAck: true });
      await channel.cancel(consumerTag);
    },
  },
];

/** Methods that name nothing, or a consumer or delivery that the channel has already. */
export const touchesNothing: readonly string[] = [
  "access.request",
  "basic.ack",
  "basic.cancel",
  "basic.nack",
  "basic.qos",
  "basic.recover",
  "basic.recover-async",
  "basic.reject",
  "channel.flow",
  "confirm.select",
  "tx.commit",
  "tx.rollback",
  "tx.select",
];

/** A refusal closes the channel: the next operation opens another. */
class Channels {
  readonly #connection: ChannelModel;
  #channel: ConfirmChannel | null = null;

  constructor(connection: ChannelModel) {
    this.#connection = connection;
  }

  async outcomeOf(act: (channel: ConfirmChannel) => Promise<unknown>): Promise<Outcome> {
    if (this.#channel === null) {
      this.#channel = await this.#connection.createConfirmChannel();
      this.#channel.on("error", () => {});
    }
    const channel = this.#channel;
    const failed = new Promise<Error>((resolve) => channel.once("error", resolve));
    const error = await Promise.race([
      failed,
      act(channel).then(
        () => null,
        (reason: Error) => reason,
      ),
    ]);
    channel.removeAllListeners("error");
    channel.on("error", () => {});
    if (error === null) return "allowed";
    this.#channel = null;
    if (!error.message.includes("ACCESS_REFUSED") && !error.message.includes("Channel closed")) throw error;
    return "refused";
  }
}

export async function amqpOperations(admin: ChannelModel, user: ChannelModel): Promise<Operation[]> {
  const setup = await admin.createChannel();
  const channels = new Channels(user);
  return rows.map(({ of, what = "", needs, before, run }, number) => {
    const name = `m-amqp-${number}`;
    return {
      of,
      what: `${of} ${what}`,
      needs: needs.split(" ").filter((need) => need !== ""),
      async prepare(): Promise<void> {
        await before?.(setup, name);
      },
      run: () => channels.outcomeOf((channel) => run(channel, name)),
    };
  });
}
