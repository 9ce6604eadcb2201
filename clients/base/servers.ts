/**
 * The server that a program is run against: a new TroikaMQ, or the real server of its protocol (`--peer`), and what the program
 * is told of it, in its environment. Invariant: each program has a server of its own, so that none sees what another left.
 */
import { startTestBroker, type TestPorts } from "../../test/support/broker.ts";
import { missingRealRabbitMq, RealRabbitMq } from "../../test/support/real-rabbitmq.ts";
import { noRealRedis, RealRedis } from "../../test/support/real-redis.ts";
import type { ClientRow } from "./row.ts";

type Protocol = ClientRow["protocol"];
type ServerWish = Pick<ClientRow, "fillsMemory">;

export interface Server {
  readonly env: Readonly<Record<string, string>>;
  /** @throws when it did not end by itself as it should, or what it left on the disk is not in order */
  stop(): Promise<void>;
  /** For a server whose program failed: it may not end by itself any more. */
  kill(): Promise<void>;
}

function variables(ports: Partial<TestPorts>): Record<string, string> {
  return {
    ...(ports.redis === undefined ? {} : { REDIS_URL: `redis://127.0.0.1:${ports.redis}/0` }),
    ...(ports.amqp === undefined ? {} : { AMQP_URL: `amqp://guest:guest@127.0.0.1:${ports.amqp}/%2f` }),
    // By its management API programs close their own connections, as an operator does.
    ...(ports.http === undefined ? {} : { MANAGEMENT_URL: `http://127.0.0.1:${ports.http}` }),
    ...(ports.kafka === undefined ? {} : { KAFKA_BROKERS: `127.0.0.1:${ports.kafka}` }),
  };
}

/** RabbitMQ counts its own memory too, and by this strategy not what the runtime keeps for later. */
const littleMemory = {
  troika: ["--memory-bytes-max", "64MiB"],
  rabbitMq: ["vm_memory_high_watermark.absolute = 256MiB", "vm_memory_calculation_strategy = legacy"],
} as const;

export async function startTroika({ fillsMemory = false }: ServerWish): Promise<Server> {
  const broker = await startTestBroker({ args: fillsMemory ? littleMemory.troika : [] });
  return {
    env: variables(broker.ports),
    stop: () => broker.stop(),
    kill: async () => {
      await broker.kill();
      await broker.stop();
    },
  };
}

interface Peer {
  readonly protocol: Protocol;
  missing(): string | undefined;
  start(wish: ServerWish): Promise<Server>;
}

/** By the word that `--peer` takes. */
export const peers: Readonly<Record<string, Peer>> = {
  redis: {
    protocol: "redis",
    missing: () => (noRealRedis === false ? undefined : noRealRedis),
    start: async () => {
      const redis = await RealRedis.start();
      const stop = (): Promise<void> => redis.stop();
      return { env: variables({ redis: redis.port }), stop, kill: stop };
    },
  },
  rabbitmq: {
    protocol: "amqp",
    missing: missingRealRabbitMq,
    start: async ({ fillsMemory = false }) => {
      const rabbit = await RealRabbitMq.start([], {
        configuration: fillsMemory ? littleMemory.rabbitMq : [],
      });
      const stop = (): Promise<void> => rabbit.stop();
      return { env: variables(rabbit.ports), stop, kill: stop };
    },
  },
};
