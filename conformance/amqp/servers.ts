/**
 * The server that a suite is run against: a new TroikaMQ or a new rabbitmq-server, each with what it has by default, on the
 * ports that suites expect, since most of them know no others.
 *
 * Not here: what a suite asks to be there. Invariant: each suite has a server of its own.
 */
import net from "node:net";
import { startTestBroker } from "../../test/support/broker.ts";
import { RealRabbitMq } from "../../test/support/real-rabbitmq.ts";

const ports = { amqp: 5672, http: 15_672 } as const;

export const managementApi = `http://127.0.0.1:${ports.http}/api`;

export interface Server {
  /** @throws when it did not end as it should, or left something on the disk that is not in order */
  stop(): Promise<void>;
}

/** Why no server can be started there. */
export async function missingPorts(): Promise<string | undefined> {
  for (const port of Object.values(ports))
    if (!(await isFree(port))) return `port ${port} is in use, and the suites connect to it: end what has it`;
  return undefined;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

export async function startTroika(): Promise<Server> {
  const broker = await startTestBroker({
    args: ["--amqp-port", String(ports.amqp), "--http-port", String(ports.http)],
  });
  return {
    stop: async () => {
      try {
        await broker.stop();
      } catch (error) {
        await broker.kill().catch(() => {});
        throw error;
      }
    },
  };
}

/** With rabbit-hole's plugins, and statistics each second, which it waits for. */
export async function startRabbitMq(): Promise<Server> {
  const plugins = ["rabbitmq_shovel_management", "rabbitmq_federation_management"];
  const kinds = ["global", "basic", "detailed"];
  return RealRabbitMq.start(plugins, {
    ports,
    configuration: [
      `listeners.tcp.2 = ::1:${ports.amqp}`,
      "collect_statistics_interval = 1000",
      ...kinds.map((kind) => `management.sample_retention_policies.${kind}.minute = 1`),
    ],
  });
}
