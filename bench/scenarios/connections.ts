/**
 * What connections cost that do nothing: memory of each, and what they take away from those that work, with none, 100
 * and 10,000 of them. Beside TroikaMQ the peers.
 *
 * The bench's own process holds the idle ones; each is asked for a sign of life after the load.
 */
import { connectionsAllowed, type Greeting, IdleConnections } from "../base/idle-connections.ts";
import type { Figures, Measurement, PeerName, SelfRun, SelfScenario, Server } from "../contract.ts";
import { channelOpen, connectionOpen, protocolHeader, qos, startOk } from "../generators/amqp/handshake.ts";

const idleCounts = [0, 100, 10_000] as const;
const most = Math.max(...idleCounts);
const settleMs = 1000;

interface Protocol {
  readonly port: "redis" | "amqp";
  readonly peer: PeerName;
  readonly greeting: Greeting;
  readonly unit: string;
  load(run: SelfRun, server: Server, id: string): Promise<Figures>;
}

const redis: Protocol = {
  port: "redis",
  peer: "redis",
  greeting: { steps: ["PING\r\n"], ask: "PING\r\n" },
  unit: "SET by 50 others",
  load: (run, server, id) =>
    run.generate("redis-benchmark", {
      port: server.ports.redis,
      connections: 50,
      pipeline: 1,
      requests: Math.round(100_000 * run.secondsWanted),
      command: ["SET", id, "x".repeat(100)],
    }),
};

const amqp: Protocol = {
  port: "amqp",
  peer: "rabbitmq",
  greeting: {
    steps: [protocolHeader, startOk, connectionOpen, channelOpen(1)],
    ask: qos(1, 1),
  },
  unit: "transient messages through a queue by two others",
  load: (run, server, id) =>
    run.generate("growth-amqp", {
      port: server.ports.amqp,
      serverPid: server.pid,
      id,
      queues: 1,
      messages: Math.round((server.isTroikaMQ ? 400_000 : 50_000) * run.secondsWanted),
      bodyBytes: 100,
      isPersistent: false,
    }),
};

async function connections(run: SelfRun, protocol: Protocol): Promise<readonly Measurement[]> {
  const allowed = connectionsAllowed(most);
  if (allowed < most)
    throw new Error(`only ${allowed} files may be open here; raise ulimit -n above ${most}`);
  const measurements: Measurement[] = [];
  const settings = { durability: "none" } as const;
  for (const start of [() => run.startOurs(settings), () => run.startPeer(protocol.peer, settings)]) {
    const fresh = await start();
    if (fresh === undefined) continue;
    measurements.push(await memoryOf(fresh, protocol));
    await fresh.stop();
    const server = (await start())!;
    await protocol.load(run, server, `${run.id}-warm`);
    for (const count of idleCounts) measurements.push(await besideIdle(run, protocol, server, count));
    await server.stop();
  }
  return measurements;
}

/** On a server that did nothing before, whose heap has no room left over from a load. */
async function memoryOf(server: Server, { port, greeting }: Protocol): Promise<Measurement> {
  await new Promise((resolve) => setTimeout(resolve, settleMs));
  const { rssBytes } = server.usage();
  const idle = await IdleConnections.open(server.ports[port]!, most, greeting);
  await new Promise((resolve) => setTimeout(resolve, settleMs));
  const rssBytesEach = (server.usage().rssBytes - rssBytes) / most;
  await idle.expectAllAlive();
  idle.close();
  return { what: `${server.name}: RSS for each of ${most} idle`, unit: "bytes", values: [rssBytesEach] };
}

async function besideIdle(
  run: SelfRun,
  protocol: Protocol,
  server: Server,
  count: number,
): Promise<Measurement> {
  const idle = await IdleConnections.open(server.ports[protocol.port]!, count, protocol.greeting);
  const values: number[] = [];
  for (let round = 0; round < run.rounds; round++) {
    const figures = await protocol.load(run, server, `${run.id}-${count}-${round}`);
    values.push(figures.count / figures.seconds);
  }
  await idle.expectAllAlive();
  idle.close();
  const note = `${count} answered before and after`;
  return { what: `${server.name}, ${count} idle: ${protocol.unit}`, unit: "a second", values, note };
}

export const connectionsScenarios: readonly SelfScenario[] = [
  { kind: "self", name: "connections/redis", measure: (run) => connections(run, redis) },
  { kind: "self", name: "connections/amqp", measure: (run) => connections(run, amqp) },
];
