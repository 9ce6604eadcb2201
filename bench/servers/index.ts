/** The real servers that TroikaMQ is measured beside. One file each; see there for what each durability means. */
import type { PeerName, Server, ServerSettings } from "../contract.ts";
import { kafkaMissing, startKafka } from "./kafka.ts";
import { mosquittoMissing, startMosquitto } from "./mosquitto.ts";
import { rabbitmqMissing, startRabbitmq } from "./rabbitmq.ts";
import { redisMissing, startRedis } from "./redis.ts";

interface Peer {
  /** Why it cannot be started here, or undefined. */
  missing(): string | undefined;
  start(settings: ServerSettings): Promise<Server>;
}

export const peers: Readonly<Record<PeerName, Peer>> = {
  redis: { missing: redisMissing, start: startRedis },
  rabbitmq: { missing: rabbitmqMissing, start: startRabbitmq },
  kafka: { missing: kafkaMissing, start: startKafka },
  mosquitto: { missing: mosquittoMissing, start: startMosquitto },
};
