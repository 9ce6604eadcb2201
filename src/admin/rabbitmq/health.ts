/** Checks for monitors and load balancers: /api/health/checks, /api/healthchecks, /api/aliveness-test. 503 where one fails. */
import { json, Refusal } from "../answers.ts";
import { anyVhostAt, vhostAt } from "../api/audience.ts";
import { type Answer, type Asked, type Audience, endpoint, type Endpoint } from "../api/endpoint.ts";
import { withChannel } from "./amqp-calls.ts";
import { protocolName } from "./shown/node-facts.ts";

type AskedAny = Asked<never>;

const ok = (more: object = {}): Answer => json(200, { status: "ok", ...more });
const failed = (reason: string, more: object = {}): Answer =>
  json(503, { status: "failed", reason, ...more });

function alarms({ broker, around }: AskedAny): Answer {
  if (!broker.flow.isBlocked) return ok();
  const resource = broker.storage.gate.failure === null ? "memory" : "disk";
  return failed("Resource alarm(s) in effect", { alarms: [{ node: around.nodeName, resource }] });
}

const daysOfUnit: Readonly<Record<string, number>> = { days: 1, weeks: 7, months: 30, years: 365 };
const msOfDay = 86_400_000;

function certificate({ names, around, broker }: AskedAny): Answer {
  const days = daysOfUnit[names["unit"]!];
  if (days === undefined) {
    throw new Refusal(
      400,
      "bad_request",
      "Time unit not recognised. Supported units: days, weeks, months, years.",
    );
  }
  if (!/^\d{1,6}$/.test(names["within"]!)) {
    throw new Refusal(400, "bad_request", "Invalid expiration value.");
  }
  const endsAt = around.certificateEndsAt();
  if (endsAt === null || endsAt > broker.clock.now() + Number(names["within"]) * days * msOfDay) return ok();
  return failed("Certificates expiring", { expired: [{ node: around.nodeName, ends_at: endsAt }] });
}

function portListener({ names, around }: AskedAny): Answer {
  const text = names["port"]!;
  if (!/^\d+$/.test(text)) throw new Refusal(400, "bad_request", "Invalid port");
  const [port, ports] = [Number(text), around.listeners().map((listener) => listener.port)];
  if (ports.includes(port)) return ok({ port });
  return failed("No active listener", { missing: port, ports });
}

/** Names that a protocol has beside that of its listener. */
const aliases: Readonly<Record<string, string>> = {
  amqp091: "amqp",
  "amqp0.9.1": "amqp",
  "amqp0-9-1": "amqp",
  "amqp091/ssl": "amqp/ssl",
  amqps: "amqp/ssl",
};

function protocolListener({ names, around }: AskedAny): Answer {
  const given = names["protocol"]!;
  const wanted = aliases[given.toLowerCase()] ?? given;
  const protocols = [
    ...new Set(around.listeners().map(({ protocol, isTls }) => protocolName(protocol, isTls))),
  ];
  if (protocols.includes(wanted)) return ok({ protocol: wanted });
  return failed("No active listener", { missing: given, protocols });
}

const aliveName = "aliveness-test";

/** Declares a queue, publishes to it and gets from it. */
async function alive(asked: AskedAny): Promise<Answer> {
  const vhost = vhostAt(asked.broker, asked.caller, asked.names["vhost"]!);
  await withChannel(asked, vhost, "change", async (channel) => {
    await channel.declareQueue(aliveName, { durable: false, autoDelete: false, arguments: {} });
    await channel.publish("", aliveName, {}, Buffer.from("test_message"));
    await channel.get(aliveName, true);
  });
  return ok();
}

const singleNode = { reason: "single node cluster" };

/** Of all protocols: they share the bound. */
function connectionsLeft({ broker, around }: AskedAny): boolean {
  return around.connectionsMax === 0 || broker.connections.count < around.connectionsMax;
}

function belowLimit(asked: AskedAny): Answer {
  return connectionsLeft(asked) ? ok() : failed("node connection limit is reached");
}

function readyToServe(asked: AskedAny): Answer {
  const { around, broker } = asked;
  if (!around.listeners().some(({ protocol }) => protocol === "amqp"))
    return failed("no active listeners for AMQP/AMQPS");
  if (connectionsLeft(asked)) return ok();
  return failed("node connection limit is reached", { connections: broker.connections.count });
}

/** Every quorum queue has its one member, here. @throws Refusal where the virtual host is not there */
function leaders({ broker, names }: AskedAny): Answer {
  const { vhost } = names;
  if (vhost !== undefined) anyVhostAt(broker, vhost);
  return ok();
}

type Check = readonly [path: string, summary: string, run: (asked: AskedAny) => Answer];

const checks: readonly Check[] = [
  ["alarms", "Whether publishers are held back for want of memory or disk.", alarms],
  ["local-alarms", "The same of this node.", alarms],
  [
    "certificate-expiration/{within}/{unit}",
    "Whether the TLS certificate ends within that time.",
    certificate,
  ],
  ["port-listener/{port}", "Whether the broker listens on a port.", portListener],
  ["protocol-listener/{protocol}", "Whether the broker speaks a protocol.", protocolListener],
  ["virtual-hosts", "Whether all virtual hosts run: here they always do.", () => ok()],
  ["node-is-mirror-sync-critical", "Whether mirrors need this node: there are none.", () => ok(singleNode)],
  ["node-is-quorum-critical", "Whether a quorum needs this node: there is one node.", () => ok(singleNode)],
  [
    "metadata-store/initialized",
    "Whether definitions are read: they are before the broker listens.",
    () => ok(),
  ],
  ["metadata-store/initialized/with-data", "The same.", () => ok()],
  ...["all-vhosts", "vhost/{vhost}"].flatMap((where) =>
    [where, `${where}/pattern/{pattern}`].map((path): Check => [
      `quorum-queues-without-elected-leaders/${path}`,
      "Whether quorum queues lack a leader: each has its one member here.",
      leaders,
    ]),
  ),
];

/** Load balancers ask these without a user, as of RabbitMQ 4. */
const openChecks: readonly Check[] = [
  ["is-in-service", "Whether the node takes work.", () => ok()],
  ["ready-to-serve-clients", "Whether AMQP clients can connect.", readyToServe],
  ["below-node-connection-limit", "Whether there is room for another connection.", belowLimit],
  ["reached-target-cluster-size", "Whether all nodes are there: there is one.", () => ok()],
];

function checkEndpoint([path, summary, run]: Check, audience: Audience): Endpoint {
  return endpoint({
    method: "GET",
    path: `/api/health/checks/${path}`,
    audience,
    summary,
    run: (asked) => run(asked as AskedAny),
  });
}

export const healthEndpoints: readonly Endpoint[] = [
  ...checks.map((check) => checkEndpoint(check, "management")),
  ...openChecks.map((check) => checkEndpoint(check, "anyone")),
  endpoint({
    method: "GET",
    path: "/api/healthchecks/node",
    audience: "management",
    summary: "The old form of the check for alarms.",
    run: (asked) => alarms(asked as AskedAny),
  }),
  endpoint({
    method: "GET",
    path: "/api/healthchecks/node/{node}",
    audience: "management",
    summary: "The same by the name of the node.",
    run: (asked) => {
      if (asked.names["node"] !== asked.around.nodeName) throw Refusal.notFound();
      return alarms(asked as AskedAny);
    },
  }),
  endpoint({
    method: "GET",
    path: "/api/aliveness-test/{vhost}",
    audience: "management",
    summary: "Declares a queue, publishes to it and gets the message.",
    run: (asked) => alive(asked as AskedAny),
  }),
];
