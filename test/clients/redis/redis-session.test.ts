/** What a session does between requests and replies: order, silence, limits, endings. Raw bytes on a socket. */
import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { after, before, test } from "node:test";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { RawRedis } from "../../support/raw-redis.ts";
import { until } from "../../support/redis-clients.ts";

let broker: TestBroker;
const open: { socket: Socket }[] = [];

before(async () => {
  broker = await startTestBroker();
});

after(async () => {
  for (const { socket } of open) socket.destroy();
  await broker.stop();
});

/** A socket whose received text is compared as it comes. */
class Wire {
  readonly socket: Socket;
  text = "";
  isClosed = false;

  constructor() {
    this.socket = connect(broker.ports.redis, "127.0.0.1");
    this.socket.on("data", (bytes: Buffer) => (this.text += bytes.latin1Slice(0, bytes.length)));
    this.socket.on("close", () => (this.isClosed = true));
    this.socket.on("error", () => {});
    open.push(this);
  }

  send(text: string): this {
    this.socket.write(text);
    return this;
  }

  async expect(text: string): Promise<void> {
    await until(
      () => this.text.length >= text.length,
      `${JSON.stringify(text)}, not ${JSON.stringify(this.text)}`,
    );
    assert.equal(this.text, text);
    this.text = "";
  }
}

test("inline commands and pipelines cut anywhere", async () => {
  const wire = new Wire().send("PI");
  await new Promise((resolve) => setTimeout(resolve, 20));
  wire.send("NG\r\n*2\r\n$4\r\nECHO\r\n$2\r\nh");
  await new Promise((resolve) => setTimeout(resolve, 20));
  wire.send("i\r\nSET k 'a b'\r\nGET k\r\n");
  await wire.expect("+PONG\r\n$2\r\nhi\r\n+OK\r\n$3\r\na b\r\n");
});

test("COMMAND DOCS is loaded when it is first asked for, and holds up what comes behind it", async () => {
  const redis = await RawRedis.open(broker.ports.redis);
  const inTransaction = async (): Promise<string> => {
    const replies = ["MULTI", "COMMAND DOCS get", "EXEC"].map((line) => redis.call(...line.split(" ")));
    return (await Promise.all(replies)).at(-1)!;
  };
  // A transaction cannot wait for it.
  assert.match(await inTransaction(), /COMMAND DOCS is not loaded/);
  const [docs, pong] = await Promise.all([redis.call("COMMAND", "DOCS", "get"), redis.call("PING")]);
  assert.match(docs, /key_spec_index/);
  assert.equal(pong, "+PONG\r\n");
  assert.match(await inTransaction(), /key_spec_index/);
  await redis.close();
});

test("a protocol error is answered, then the connection ends", async () => {
  const wire = new Wire().send("PING\r\n*1\r\nPING\r\nPING\r\n");
  await wire.expect("+PONG\r\n-ERR Protocol error: expected '$', got 'P'\r\n");
  await until(() => wire.isClosed, "the end");
});

test("QUIT is answered, and what follows it is not", async () => {
  const wire = new Wire().send("QUIT\r\nPING\r\n");
  await wire.expect("+OK\r\n");
  await until(() => wire.isClosed, "the end");
});

test("CLIENT REPLY OFF, SKIP and ON", async () => {
  const wire = new Wire();
  wire.send("CLIENT REPLY SKIP\r\nPING\r\nPING a\r\n");
  await wire.expect("$1\r\na\r\n");
  wire.send(
    "CLIENT REPLY OFF\r\nPING\r\nnosuch\r\nCLIENT REPLY SKIP\r\nPING\r\nCLIENT REPLY ON\r\nPING b\r\n",
  );
  await wire.expect("+OK\r\n$1\r\nb\r\n");
});

test("messages come between replies, not within; subscriptions are confirmed even in silence", async () => {
  const wire = new Wire();
  wire.send("HELLO 3\r\n");
  await until(() => wire.text.endsWith("*0\r\n"), "hello");
  wire.text = "";
  wire.send("SUBSCRIBE c\r\nMULTI\r\nPUBLISH c one\r\nPING\r\nEXEC\r\n");
  await wire.expect(
    ">3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n+OK\r\n+QUEUED\r\n+QUEUED\r\n" +
      "*2\r\n:1\r\n+PONG\r\n>3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$3\r\none\r\n",
  );
  wire.send("CLIENT REPLY OFF\r\nSUBSCRIBE d\r\nPUBLISH d two\r\n");
  await wire.expect(
    ">3\r\n$9\r\nsubscribe\r\n$1\r\nd\r\n:2\r\n>3\r\n$7\r\nmessage\r\n$1\r\nd\r\n$3\r\ntwo\r\n",
  );
});

test("a blocked connection: unblocked by another, killed by another, gone by itself", async () => {
  const admin = await RawRedis.open(broker.ports.redis);
  const isBlocked = async (count: number): Promise<boolean> =>
    (await admin.call("info", "clients")).includes(`blocked_clients:${count}\r\n`);
  const one = new Wire().send("CLIENT ID\r\n");
  await until(() => one.text.endsWith("\r\n"), "id");
  const id = one.text.slice(1, -2);
  one.text = "";
  one.send("XREAD BLOCK 0 STREAMS s $\r\nPING\r\n");
  await until(() => isBlocked(1), "blocked");
  assert.equal(await admin.call("client", "unblock", id, "error"), ":1\r\n");
  await one.expect("-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n+PONG\r\n");
  one.send("XREAD BLOCK 0 STREAMS s $\r\n");
  await until(() => isBlocked(1), "blocked again");
  assert.equal(await admin.call("client", "unblock", id), ":1\r\n");
  await one.expect("*-1\r\n");
  one.send("XREAD BLOCK 0 STREAMS s $\r\n");
  await until(() => isBlocked(1), "blocked once more");
  assert.equal(await admin.call("client", "kill", "id", id), ":1\r\n");
  await until(() => one.isClosed, "killed");
  await until(() => isBlocked(0), "nobody blocked");
  const two = new Wire().send("XREAD BLOCK 0 STREAMS s t $ $\r\n");
  await until(() => isBlocked(1), "the second blocked");
  two.socket.destroy();
  await until(() => isBlocked(0), "the second gone");
  assert.match(await admin.call("xadd", "s", "*", "a", 1), /^\$/);
  await admin.close();
});

test("a blocked connection that goes on sending is not read from without bound, and loses nothing", async () => {
  const admin = await RawRedis.open(broker.ports.redis);
  const wire = new Wire().send("XREAD BLOCK 0 STREAMS v $\r\n");
  await until(async () => (await admin.call("info", "clients")).includes("blocked_clients:1"), "blocked");
  const payload = "x".repeat(1 << 20);
  const count = 64;
  for (let i = 0; i < count; i++) wire.send(`*2\r\n$4\r\nECHO\r\n$${payload.length}\r\n${payload}\r\n`);
  await new Promise((resolve) => setTimeout(resolve, 200));
  const [, qbuf] = /qbuf=(\d+) .*cmd=xread/.exec(await admin.call("client", "list"))!;
  assert.ok(Number(qbuf) < 8 << 20, `${qbuf} bytes`);
  await admin.call("xadd", "v", "1-1", "a", 1);
  const read = "*1\r\n*2\r\n$1\r\nv\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n";
  const wanted = read + `$${payload.length}\r\n${payload}\r\n`.repeat(count);
  await until(() => wire.text.length >= wanted.length, "all replies");
  assert.ok(wire.text === wanted);
  await admin.close();
});

test("a group's reader learns that the group, the stream or its type is gone", async () => {
  const admin = await RawRedis.open(broker.ports.redis);
  const blocked = async (): Promise<Wire> => {
    await admin.call("del", "u");
    await admin.call("xgroup", "create", "u", "g", "$", "mkstream");
    const wire = new Wire().send("XREADGROUP GROUP g c BLOCK 0 STREAMS u >\r\n");
    await until(async () => (await admin.call("info", "clients")).includes("blocked_clients:1"), "blocked");
    return wire;
  };
  const noStream = "-UNBLOCKED the stream key no longer exists\r\n";
  let wire = await blocked();
  await admin.call("xgroup", "destroy", "u", "g");
  await wire.expect("-NOGROUP the consumer group this client was blocked on no longer exists\r\n");
  wire = await blocked();
  await admin.call("del", "u");
  await wire.expect(noStream);
  wire = await blocked();
  await admin.call("set", "u", "text");
  await wire.expect(noStream);
  await admin.close();
});

test("with requirepass set, a new connection must log in", async () => {
  const admin = await RawRedis.open(broker.ports.redis);
  await admin.call("config", "set", "requirepass", "secret");
  const wire = new Wire().send("PING\r\nAUTH wrong\r\nAUTH secret\r\nPING\r\n");
  await wire.expect(
    "-NOAUTH Authentication required.\r\n" +
      "-WRONGPASS invalid username-password pair or user is disabled.\r\n+OK\r\n+PONG\r\n",
  );
  const hello = new Wire().send("HELLO 3 AUTH default secret SETNAME x\r\nCLIENT GETNAME\r\n");
  await until(() => hello.text.endsWith("$1\r\nx\r\n"), "hello with a password");
  const guest = new Wire().send("AUTH guest guest\r\nACL WHOAMI\r\n");
  await guest.expect("+OK\r\n$5\r\nguest\r\n");
  await admin.call("config", "set", "requirepass", "");
  await admin.close();
});

test("WATCH notices what another connection or its expiry changed", async () => {
  const one = await RawRedis.open(broker.ports.redis);
  // The key has to live until WATCH has come, however slow the machine is.
  let lifeMs = 100;
  for (; ; lifeMs *= 2) {
    await one.call("set", "w", "1", "px", lifeMs);
    await one.call("watch", "w");
    if ((await one.call("exists", "w")) === ":1\r\n") break;
    await one.call("unwatch");
  }
  await new Promise((resolve) => setTimeout(resolve, lifeMs + 50));
  await one.call("multi");
  await one.call("ping");
  assert.equal(await one.call("exec"), "*-1\r\n");
  await one.close();
});
