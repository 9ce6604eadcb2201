/** The real servers that TroikaMQ is measured beside. One file each; see there for what each durability means. */
import type { PeerName, PeerPlace, Server, ServerSettings } from "../contract.ts";
import { kafkaMissing, startKafka } from "./kafka.ts";
import { mosquittoMissing, startMosquitto } from "./mosquitto.ts";
import { rabbitmqMissing, startRabbitmq } from "./rabbitmq.ts";
import { redisMissing, startRedis } from "./redis.ts";

interface Peer {
  /** Why it cannot be started here, or undefined. */
  missing(): string | undefined;
  /** Only RabbitMQ can be started where it was before. */
  start(settings: ServerSettings, place?: PeerPlace): Promise<Server>;
}

export type Peers = Readonly<Record<PeerName, Peer>>;

export const peers: Peers = {
  redis: { missing: () => redisMissing(), start: (settings) => startRedis(settings) },
  rabbitmq: { missing: rabbitmqMissing, start: startRabbitmq },
  kafka: { missing: kafkaMissing, start: startKafka },
  mosquitto: { missing: mosquittoMissing, start: startMosquitto },
};

/** With another program in the place of redis-server. */
export function peersWithRedis(program: string): Peers {
  const redis: Peer = {
    missing: () => redisMissing(program),
    start: (settings) => startRedis(settings, program),
  };
  return { ...peers, redis };
}
