/**
 * Every GET of the management API beside a real RabbitMQ: the same objects on both, and each answer compared key by key. What is
 * known to differ is listed here with its reason.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { differences } from "../../../differential/http/compare.ts";
import {
  ask,
  changes,
  type Client,
  connectClient,
  looks,
  type Server,
} from "../../../differential/http/scenario.ts";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { noRealRabbitMq, RealRabbitMq } from "../../support/real-rabbitmq.ts";
import { until } from "../../support/wait.ts";

const options = { skip: noRealRabbitMq };
const authorization = `Basic ${Buffer.from("guest:guest").toString("base64")}`;

/** Keys that are RabbitMQ's own, or that it counts otherwise. */
const known: readonly RegExp[] = [
  // Names that hold ports and nodes.
  /(^|\.)(name|connection_name|members\[\d+\]|online\[\d+\])$|rabbit@|policies\d+@|troikamq@/,
  // What RabbitMQ's queues keep their messages in.
  /backing_queue_status/,
  // Times of last use, which are not kept here.
  /idle_since$/,
  // Who declared an exchange is not kept.
  /user_who_performed_action$/,
  // What the API publishes and gets is counted here too.
  /message_stats/,
  // Processes and plugins of Erlang.
  /^memory\.|sample_retention_policies|churn_rates|\]?\.?(connection|channel|queue)_(created|closed|declared|deleted)$|\.type$|^type$/,
  /^(ports|protocols)|(desc|doc_url|provided_by)$|messages_persistent$|^\.length$/,
  // Metadata of virtual hosts; RabbitMQ leaves out totals that it has not sampled yet.
  /description$|metadata$|default_queue_type$|tags$|(messages|recv_oct|send_oct)\w*$/,
  /totals$|type_specific$|^object_totals/,
  // In the order of a hash table there.
  /^consumer_details\[/,
];

/** Of plugins that this RabbitMQ does not have, and of what is not done here yet. */
const leftOut = /shovels|federation|topic-permissions|login/;

let rabbit: RealRabbitMq;
let broker: TestBroker;
const clients: Client[] = [];

before(async () => {
  if (noRealRabbitMq !== false) return;
  rabbit = await RealRabbitMq.start();
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

async function made(server: Server): Promise<Side> {
  for (const [method, path, body] of changes) await ask(server, method, path, body);
  clients.push(await connectClient(server));
  const connection = await until(async () => {
    const { body } = await ask(server, "GET", "/api/connections");
    const [found] = body as { name: string; vhost?: string; channels?: number }[];
    return found?.vhost === "cmp" && found.channels === 3 ? found.name : undefined;
  }, "the client's connection");
  await until(async () => {
    const { body } = await ask(server, "GET", "/api/queues/cmp/q.held");
    return (body as { messages_unacknowledged?: number }).messages_unacknowledged === 3;
  }, "what the client holds");
  const { node } = (await ask(server, "GET", "/api/overview")).body as { node: string };
  const name = encodeURIComponent(connection);
  return { ...server, places: { CONNECTION: name, CHANNEL: `${name}%20(1)`, NODE: node } };
}

test("every GET shows the keys, types and values that RabbitMQ shows", options, async () => {
  const real = await made({ amqpUrl: rabbit.amqpUrl, httpUrl: rabbit.httpUrl, authorization });
  const ours = await made({
    amqpUrl: `amqp://guest:guest@127.0.0.1:${broker.ports.amqp}`,
    httpUrl: `http://127.0.0.1:${broker.ports.http}`,
    authorization,
  });
  const found: string[] = [];
  for (const look of looks.filter((each) => !leftOut.test(each))) {
    const [expected, actual] = await Promise.all(
      [real, ours].map((side) => {
        const path = look.replace(/CONNECTION|CHANNEL|NODE/, (place) => side.places[place]!);
        return ask(side, "GET", path);
      }),
    );
    // RabbitMQ's own faults.
    if (expected!.status === 500) continue;
    if (expected!.status !== actual!.status) {
      found.push(`${look}: ${expected!.status}, here ${actual!.status}`);
      continue;
    }
    for (const { path, ...values } of differences(expected!.body, actual!.body)) {
      if (known.some((pattern) => pattern.test(path))) continue;
      found.push(`${look} ${path}: ${JSON.stringify(values)}`);
    }
  }
  assert.deepEqual(found, []);
});
