import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { AmqpTarget, Gathered, settled, uniqueName, until } from "../../support/amqp.ts";
import {
  frame,
  longText,
  method,
  open,
  protocolHeader,
  RawClient,
  shortText,
  startOk,
  tuneOk,
  uint,
} from "../../support/amqp-raw.ts";

let target: AmqpTarget;

before(async () => {
  target = await AmqpTarget.start();
});

after(() => target.stop());

async function closingAfter(...bytes: Buffer[]): Promise<string> {
  const client = await RawClient.ready(target.url);
  try {
    client.send(...bytes);
    return await client.closing();
  } finally {
    client.destroy();
  }
}

const publish = (routingKey: string, bits = 0): Buffer =>
  method(1, 60, 40, uint(2, 0), shortText(""), shortText(routingKey), Buffer.of(bits));
const header = (bodySize: number): Buffer =>
  frame(2, 1, uint(2, 60), uint(2, 0), uint(8, bodySize), uint(2, 0));
const body = (text: string): Buffer => frame(3, 1, Buffer.from(text));

/** What a broken or hostile client sends once its channel is open, and how the connection ends. */
const broken: Record<string, [Buffer[], RegExp]> = {
  "a frame that ends wrong": [[Buffer.from([8, 0, 0, 0, 0, 0, 0, 0])], /^connection 501 FRAME_ERROR/],
  "a frame beyond frame-max": [[Buffer.from([1, 0, 1, 0x7f, 0, 0, 0])], /^connection 501 FRAME_ERROR/],
  "a frame of an unknown type": [[frame(7, 1)], /^connection 501 FRAME_ERROR/],
  "a header without a publish": [
    [header(0)],
    /^connection 505 UNEXPECTED_FRAME - expected method frame, got non method frame instead$/,
  ],
  "a body without a header": [
    [publish("q"), body("x")],
    /^connection 505 UNEXPECTED_FRAME - expected content header for class 60, got non content header frame instead$/,
  ],
  "a method inside a content": [
    [publish("q"), header(5), publish("q")],
    /^connection 505 UNEXPECTED_FRAME - expected content body, got non content body frame instead$/,
  ],
  "a heartbeat on an open channel": [
    [frame(8, 1)],
    /^connection 505 UNEXPECTED_FRAME - type 8, all octets = <<>>$/,
  ],
  "a heartbeat on a channel that is not open": [
    [frame(8, 7)],
    /^connection 505 UNEXPECTED_FRAME - type 8, all octets = <<>>$/,
  ],
  "a channel that is not open": [
    [method(7, 60, 10, uint(4, 0), uint(2, 1), Buffer.of(0))],
    /^connection 504 CHANNEL_ERROR - expected 'channel.open'$/,
  ],
  "a channel opened twice": [
    [method(1, 20, 10, shortText(""))],
    /^connection 504 CHANNEL_ERROR - second 'channel.open' seen$/,
  ],
  "a method that is too short": [[method(1, 50, 10, uint(2, 0))], /^connection 50[12] /],
  "channel.flow that stops deliveries": [
    [method(1, 20, 20, Buffer.of(0))],
    /^connection 540 NOT_IMPLEMENTED - active=false$/,
  ],
  "a prefetch in bytes": [
    [method(1, 60, 10, uint(4, 1024), uint(2, 1), Buffer.of(0))],
    /^connection 540 NOT_IMPLEMENTED - prefetch_size!=0 \(1024\)$/,
  ],
  "recover without requeue": [
    [method(1, 60, 110, Buffer.of(0))],
    /^connection 540 NOT_IMPLEMENTED - requeue=false$/,
  ],
  "an immediate publish": [
    [publish("q", 2), header(1), body("x")],
    /^connection 540 NOT_IMPLEMENTED - immediate=true$/,
  ],
  "a confirm channel that turns transactional": [
    [method(1, 85, 10, Buffer.of(0)), method(1, 90, 10)],
    /^channel 406 PRECONDITION_FAILED - cannot switch from confirm to tx mode$/,
  ],
  "a commit without a transaction": [
    [method(1, 90, 20)],
    /^channel 406 PRECONDITION_FAILED - channel is not transactional$/,
  ],
};

for (const [name, [bytes, expected]] of Object.entries(broken)) {
  test(`the connection ends politely: ${name}`, async () => {
    assert.match(await closingAfter(...bytes), expected);
  });
}

test("another protocol gets ours back and the end", async () => {
  const client = new RawClient(target.url);
  client.send(Buffer.from("GET / HTTP/1.1\r\n\r\n"));
  await until(() => client.isClosed);
  assert.deepEqual(client.received, protocolHeader);
});

const isOther = process.env["TROIKAMQ_TEST_AMQP_URL"] !== undefined;
const skipTuning = isOther ? "RabbitMQ only logs this text, and ends without a word" : false;

test("tuning beyond what was offered is refused", { skip: skipTuning }, async () => {
  for (const [tune, expected] of [
    [
      tuneOk(0, 131_072, 0),
      "connection 530 NOT_ALLOWED - negotiated channel_max = 0 (no limit) is higher than the maximum allowed value (2047)",
    ],
    [
      tuneOk(10, 100, 0),
      "connection 530 NOT_ALLOWED - negotiated frame_max = 100 is lower than the minimum allowed value (4096)",
    ],
    [
      tuneOk(10, 200_000, 0),
      "connection 530 NOT_ALLOWED - negotiated frame_max = 200000 is higher than the maximum allowed value (131072)",
    ],
  ] as const) {
    const client = new RawClient(target.url);
    client.send(protocolHeader);
    await client.method("10.10");
    client.send(startOk("guest", "guest", ["authentication_failure_close"]));
    await client.method("10.30");
    client.send(tune);
    assert.equal(await client.closing(), expected);
    client.destroy();
  }
});

/** With client properties that fill the payload to that size. */
function startOkOf(payloadBytes: number): Buffer {
  const names: string[] = [];
  let left = payloadBytes - (startOk("guest", "guest").length - 8);
  while (left > 0) {
    const size = left > 200 ? 100 : left;
    names.push("x".repeat(size - 3));
    left -= size;
  }
  const bytes = startOk("guest", "guest", names);
  assert.equal(bytes.length - 8, payloadBytes);
  return bytes;
}

test("before tuning a frame may be as long as the least frame-max, 4096, and no longer", async () => {
  const largest = new RawClient(target.url);
  largest.send(protocolHeader);
  await largest.method("10.10");
  largest.send(startOkOf(4096));
  await largest.method("10.30");
  largest.destroy();
  const larger = new RawClient(target.url);
  larger.send(protocolHeader);
  await larger.method("10.10");
  larger.send(startOkOf(4097));
  // RabbitMQ ends without a word.
  if (!isOther) assert.match(await larger.closing(), /^connection 501 FRAME_ERROR/);
  else await until(() => larger.isClosed);
  larger.destroy();
});

test("a wrong password is told to who asks to be told, and ends the others without a word", async () => {
  const told = new RawClient(target.url);
  told.send(protocolHeader);
  await told.method("10.10");
  told.send(startOk("guest", "wrong", ["authentication_failure_close"]));
  assert.equal(
    await told.closing(),
    "connection 403 ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. For details see the broker logfile.",
  );
  told.destroy();
  const other = new RawClient(target.url);
  other.send(protocolHeader);
  await other.method("10.10");
  other.send(startOk("nobody", "guest"));
  await until(() => other.isClosed);
  assert.equal(
    other.frames().some(({ method: name }) => name === "10.50"),
    false,
  );
});

test("a client may log in by AMQPLAIN, and renew its secret", async () => {
  const client = new RawClient(target.url);
  client.send(protocolHeader);
  await client.method("10.10");
  const text = (value: string): Buffer => Buffer.concat([Buffer.from("S"), longText(value)]);
  const response = Buffer.concat([shortText("LOGIN"), text("guest"), shortText("PASSWORD"), text("guest")]);
  client.send(method(0, 10, 11, longText(""), shortText("AMQPLAIN"), longText(response), shortText("en_US")));
  await client.method("10.30");
  client.send(tuneOk(10, 131_072, 0), open("/"));
  await client.method("10.41");
  client.send(method(0, 10, 70, longText("new"), shortText("it was time")));
  await client.method("10.71");
  client.send(method(0, 10, 50, uint(2, 200), shortText("bye"), uint(2, 0), uint(2, 0)));
  await client.method("10.51");
  client.destroy();
});

test("an unknown vhost is refused", async () => {
  const client = new RawClient(target.url);
  client.send(protocolHeader);
  await client.method("10.10");
  client.send(startOk("guest", "guest"));
  await client.method("10.30");
  client.send(tuneOk(10, 131_072, 0), open("nope"));
  assert.equal(await client.closing(), "connection 530 NOT_ALLOWED - vhost nope not found");
  client.destroy();
});

test("too many channels end the connection", async () => {
  const client = await RawClient.ready(target.url);
  for (let number = 2; number <= 101; number++) client.send(method(number, 20, 10, shortText("")));
  assert.equal(
    await client.closing(),
    "connection 530 NOT_ALLOWED - number of channels opened (100) has reached the negotiated channel_max (100)",
  );
  client.destroy();
});

test("each connection.close is answered, and the client ends the socket", async () => {
  const client = await RawClient.ready(target.url);
  let hasEnded = false;
  client.socket.on("end", () => {
    hasEnded = true;
  });
  const close = method(0, 10, 50, uint(2, 200), shortText("bye"), uint(2, 0), uint(2, 0));
  const answers = (): number => client.frames().filter(({ method: name }) => name === "10.51").length;
  client.send(close);
  await until(() => answers() === 1);
  // What comes between is passed over.
  client.send(method(2, 20, 10, shortText("")), frame(3, 1, Buffer.from("x")), close);
  await until(() => answers() === 2);
  assert.equal(hasEnded, false);
  assert.equal(client.frames().filter(({ channel }) => channel === 2).length, 0);
  client.socket.end();
  await until(() => client.isClosed);
  assert.equal(hasEnded, true);
});

test("messages may be cut anywhere, and their frames mixed with other channels'", async () => {
  const channel = await target.channel();
  const queue = uniqueName("cut");
  await channel.assertQueue(queue, { durable: false, autoDelete: true });
  const gathered = await Gathered.from(channel, queue, { noAck: true });
  const client = await RawClient.ready(target.url);
  const bytes = Buffer.concat([
    publish(queue),
    header(5),
    method(2, 20, 10, shortText("")),
    body("he"),
    frame(8, 0),
    method(2, 60, 40, uint(2, 0), shortText(""), shortText(queue), Buffer.of(0)),
    frame(2, 2, uint(2, 60), uint(2, 0), uint(8, 3), uint(2, 0)),
    body("llo"),
    frame(3, 2, Buffer.from("two")),
    publish(queue),
    header(0),
  ]);
  for (const byte of bytes) {
    client.send(Buffer.of(byte));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await gathered.count(3);
  assert.deepEqual(gathered.bodies, ["hello", "two", ""]);
  client.destroy();
});

test("who deletes a queue has the answer before its own consumers there are cancelled", async () => {
  const queue = uniqueName();
  const client = await RawClient.ready(target.url);
  client.send(method(1, 50, 10, uint(2, 0), shortText(queue), Buffer.of(0), longText("")));
  client.send(method(1, 60, 20, uint(2, 0), shortText(queue), shortText("t"), Buffer.of(0), longText("")));
  await client.method("60.21");
  client.send(method(1, 50, 40, uint(2, 0), shortText(queue), Buffer.of(0)));
  await Promise.all([client.method("60.30"), client.method("50.41")]);
  const last = client.frames().slice(-2);
  assert.deepEqual(
    last.map(({ method: name }) => name),
    ["50.41", "60.30"],
  );
  client.destroy();
});

test("a small frame-max cuts deliveries", async () => {
  const channel = await target.channel();
  const { queue } = await channel.assertQueue("", { exclusive: false, autoDelete: true, durable: false });
  const client = await RawClient.ready(target.url, { frameMax: 4096 });
  client.send(method(1, 60, 20, uint(2, 0), shortText(queue), shortText("t"), Buffer.of(2), longText("")));
  await client.method("60.21");
  channel.sendToQueue(queue, Buffer.alloc(10_000, 7));
  const bodies = await until(() => {
    const found = client.frames().filter(({ type }) => type === 3);
    return found.length === 3 && found;
  });
  assert.deepEqual(
    bodies.map(({ payload }) => payload.length),
    [4088, 4088, 1824],
  );
  client.destroy();
});

test("heartbeats come, and a silent client is let go", async () => {
  const client = await RawClient.ready(target.url, { heartbeat: 1 });
  await until(() => client.frames().some(({ type }) => type === 8));
  await until(() => client.isClosed, "the end of a silent connection");
});

test("whatever bytes come, the others are served", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.boolean(), async (bytes, isMethod) => {
      const client = await RawClient.ready(target.url);
      client.send(isMethod ? frame(1, 1, Buffer.from(bytes)) : Buffer.from(bytes));
      client.destroy();
    }),
    { numRuns: 60 },
  );
  await settled();
  const channel = await target.channel();
  const { queue } = await channel.assertQueue("", { exclusive: true });
  channel.sendToQueue(queue, Buffer.from("well"));
  await (await Gathered.from(channel, queue, { noAck: true })).count(1);
});
