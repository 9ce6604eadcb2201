/**
 * Every GET of the management API beside a real RabbitMQ: the same objects on both, each path asked by users of each tag, and each
 * answer compared key by key. What is known to differ is listed here with its reason.
 *
 * Not here: what changes things (management-api.test.ts). Invariant: no GET path of RabbitMQ's own list is left out.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { differences } from "../../../differential/http/compare.ts";
import { lastLooks, looks } from "../../../differential/http/looks.ts";
import {
  ask,
  type Answer,
  authorizationOf,
  changes,
  type Client,
  connectClient,
  furnishing,
  lookers,
  type Server,
  tries,
} from "../../../differential/http/scenario.ts";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { noRealRabbitMq, RealRabbitMq } from "../../support/real-rabbitmq.ts";
import { until } from "../../support/wait.ts";

const options = { skip: noRealRabbitMq };
const authorization = `Basic ${Buffer.from("guest:guest").toString("base64")}`;
const plugins = ["rabbitmq_shovel_management", "rabbitmq_federation_management"];

/** Keys that are RabbitMQ's own, or that it counts otherwise: by what is looked at, a space, and the path of the key. */
const known: readonly RegExp[] = [
  // What RabbitMQ's queues keep their messages in, processes of Erlang, files.
  /backing_queue_status|\/memory(\/relative)? memory|sample_retention_policies/,
  / (\[0\]\.)?type$/,
  // Times of last use, and who declared an exchange, are not kept here; all messages of a durable queue survive.
  /idle_since$|user_who_performed_action$|messages_persistent$/,
  // RabbitMQ adds these up every five seconds, and leaves out what it has not sampled yet.
  /message_stats|\/vhosts(\/%2F)? (\[0\]\.)?(recv_oct|send_oct|messages)\w*$/,
  /(connection|channel|queue)_(created|closed|declared|deleted)$/,
  // Scripts of RabbitMQ's page; the ports and protocols that each listens on; the hash of a binding's arguments.
  /extensions \.length$|(ports|protocols)(\[\d+\]|\.length)$|properties_key$/,
  // How often the test itself has asked, and RabbitMQ counts refusals for want of a tag too.
  / \[\d+\]\.auth_attempts\w*$/,
  // The command line needs them for every user, and RabbitMQ shows them to monitors.
  /\/overview listeners$/,
  // Of later versions.
  / (\[0\]\.)?being_drained$/,
  // Random.
  /internal_cluster_id|global(-|_)parameters.*value$|password_hash$/,
  // Later versions export the metadata of virtual hosts.
  /(definitions|all-configuration) vhosts\[\d+\]\.metadata$/,
];

/** Answers whose status differs, by looker and path. */
const knownStatus: readonly RegExp[] = [
  // Erlang's tables.
  /\/memory\/ets/,
  // RabbitMQ 3.10 tells everybody the limits of all users; later versions do not.
  /^(monitoring|policymaker|management|stranger) \/api\/user-limits/,
  // Here the method is looked at before the path: a user could be called so.
  /\/api\/users\/bulk-delete$/,
  // There is no such kind of destination.
  /^(none|stranger) \/api\/bindings\/cmp\/e\/e\.topic\/x\//,
];

let rabbit: RealRabbitMq;
let broker: TestBroker;
const clients: Client[] = [];

before(async () => {
  if (noRealRabbitMq !== false) return;
  rabbit = await RealRabbitMq.start(plugins);
  broker = await startTestBroker({ dataDir: "memory", env: { TROIKAMQ_PASSWORD: "guest" } });
});

after(async () => {
  if (noRealRabbitMq !== false) return;
  for (const client of clients) await client.end();
  await rabbit.stop();
  await broker.stop();
});

interface Side extends Server {
  readonly places: Readonly<Record<string, string>>;
}

/** RabbitMQ 3.10.8 cannot show a binding with arguments and such a key: it answers 500 to every list that has it. */
const unshowable = "with ~ and /";

async function made(server: Server): Promise<Side> {
  for (const [method, path, body] of changes) {
    const { routing_key: key } = (body ?? {}) as { routing_key?: string };
    if (key !== unshowable) await ask(server, method, path, body);
  }
  for (const [method, path, body] of furnishing) {
    const { status } = await ask(server, method, path, body);
    assert.ok(status < 300, `${method} ${path}: ${status}`);
  }
  clients.push(await connectClient(server));
  const connection = await until(async () => {
    const { body } = await ask(server, "GET", "/api/connections");
    const [found] = body as { name: string; vhost?: string; channels?: number }[];
    return found?.vhost === "cmp" && found.channels === 3 ? found.name : undefined;
  }, "the client's connection");
  // RabbitMQ samples each queue at its own time.
  await until(async () => {
    const { body } = await ask(server, "GET", "/api/queues");
    const queues = body as { name: string; messages_unacknowledged?: number; messages?: number }[];
    const held = queues.find(({ name }) => name === "q.held");
    return held?.messages_unacknowledged === 3 && queues.every(({ messages }) => messages !== undefined);
  }, "what the client holds");
  const { node } = (await ask(server, "GET", "/api/overview")).body as { node: string };
  return { ...server, places: { CONNECTION: connection, NODE: node } };
}

/** With the server's own names as places, and lists that have no order in that of their texts. */
async function look(side: Side, path: string, looker: Looker): Promise<Answer> {
  const { CONNECTION: connection, NODE: node } = side.places;
  const name = encodeURIComponent(connection!);
  const real = path.replace("CONNECTION", name).replace("CHANNEL", `${name}%20(1)`).replace("NODE", node!);
  const server = looker === "guest" ? side : { ...side, authorization: authorizationOf(looker) };
  const { status, body } = await ask(server, "GET", real);
  const text = (JSON.stringify(body) ?? "null")
    .replaceAll(node!, "NODE")
    .replaceAll(connection!, "CONNECTION");
  const isInNoOrder = /definitions|all-configuration|\/parameters/.test(path);
  const shown = withoutOwn(JSON.parse(text), path);
  return { status, body: isInNoOrder ? inOrder(shown) : shown };
}

type Looker = "guest" | (typeof lookers)[number];

function inOrder(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    return value.map(inOrder).toSorted((one, other) => (textOf(one) < textOf(other) ? -1 : 1));
  }
  const entries = Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(entries.map(([key, each]) => [key, inOrder(each)]));
}

/** Names before the rest, since that has random hashes. */
function textOf(value: unknown): string {
  const { name = "", component = "" } = (value ?? {}) as { name?: string; component?: string };
  return `${component} ${name} ${JSON.stringify(value)}`;
}

/** Without Redis's user, which RabbitMQ has not. */
function withoutOwn(body: unknown, path: string): unknown {
  if (Array.isArray(body) && path.startsWith("/api/users")) {
    return body.filter(({ name }: { name?: string }) => name !== "default");
  }
  const { users } = (body ?? {}) as { users?: unknown };
  return Array.isArray(users) ? { ...(body as object), users: withoutOwn(users, "/api/users") } : body;
}

test(
  "every GET shows the keys, types and values that RabbitMQ shows, to users of each tag",
  options,
  async () => {
    const real = await made({ amqpUrl: rabbit.amqpUrl, httpUrl: rabbit.httpUrl, authorization });
    const ours = await made({
      amqpUrl: `amqp://guest:guest@127.0.0.1:${broker.ports.amqp}`,
      httpUrl: `http://127.0.0.1:${broker.ports.http}`,
      authorization,
    });
    const all: readonly Looker[] = ["guest", ...lookers];
    const found: string[] = [];
    let compared = 0;
    for (const paths of [looks, lastLooks]) {
      for (const looker of all) {
        for (const path of paths) {
          const [expected, actual] = await Promise.all([real, ours].map((side) => look(side, path, looker)));
          // RabbitMQ's own faults.
          if (expected!.status === 500) continue;
          compared++;
          const what = `${looker} ${path}`;
          if (expected!.status !== actual!.status) {
            if (knownStatus.some((pattern) => pattern.test(what))) continue;
            found.push(`${what}: ${expected!.status}, here ${actual!.status}`);
            continue;
          }
          // Here it is said which methods there are.
          if (expected!.status === 405) continue;
          for (const { path: key, ...values } of differences(expected!.body, actual!.body)) {
            const place = `${path.split("?")[0]} ${key}`;
            if (known.some((pattern) => pattern.test(place))) continue;
            found.push(`${what} ${key}: ${JSON.stringify(values)}`);
          }
        }
      }
    }
    assert.deepEqual(found, []);
    assert.ok(compared > 1000, `${compared}`);
  },
);

test("users of each tag may change what they may in RabbitMQ", options, async () => {
  const servers: readonly Server[] = [
    { amqpUrl: "", httpUrl: rabbit.httpUrl, authorization },
    { amqpUrl: "", httpUrl: `http://127.0.0.1:${broker.ports.http}`, authorization },
  ];
  const found: string[] = [];
  for (const looker of lookers) {
    for (const [method, path, body] of tries) {
      const target = path.replaceAll("LOOKER", looker);
      const as = authorizationOf(looker);
      const [expected, actual] = await Promise.all(
        servers.map((server) => ask({ ...server, authorization: as }, method, target, body)),
      );
      // RabbitMQ's own faults.
      if (expected!.status === 500 || isDeepStrictEqual(expected, actual)) continue;
      found.push(`${method} ${target}: ${JSON.stringify(expected)}, here ${JSON.stringify(actual)}`);
    }
  }
  assert.deepEqual(found, []);
});

/** Rows of RabbitMQ's own page of the API with an X under GET; places of the path are in italics. */
const row = /<td>X<\/td>\s*(?:<td>X?<\/td>\s*){3}<td class="path">(.*?)<\/td>/gs;

test("every path that RabbitMQ's page of the API lists for GET is looked at", options, async () => {
  const page = await (await fetch(`${rabbit.httpUrl}/api/index.html`)).text();
  const paths = [...page.matchAll(row)].flatMap(([, cell]) =>
    cell!.split("<br/>").map((text) =>
      text
        .replaceAll(/<em>.*?<\/em>/gs, "")
        .replaceAll(/<i>.*?<\/i>/gs, "{}")
        .replaceAll(/<[^>]*>/g, "")
        .trim(),
    ),
  );
  assert.ok(paths.length > 60, `${paths.length} paths`);
  const looked = [...looks, ...lastLooks].map((each) => each.split("?")[0]!);
  const left = paths.filter((path) => {
    if (path === "") return false;
    const pattern = new RegExp(`^${RegExp.escape(path).replaceAll("\\{\\}", "[^/]+")}/?$`);
    return !looked.some((each) => pattern.test(each));
  });
  assert.deepEqual(left, []);
});
