/**
 * Commands that are long enough to be answered in slices: the same replies as redis-server's, what happens to a stream or a
 * connection meanwhile, and replies that come later than the handler's return in general.
 */
import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { after, before, describe, test } from "node:test";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { RawRedis, replyEnd, type Word } from "../../support/raw-redis.ts";
import { noRealRedis, RealRedis } from "../../support/real-redis.ts";

/** Above what runs at once. */
const many = 3000;
const keys = Array.from({ length: many }, (_, i) => `key${i}`);
const ids = Array.from({ length: many }, (_, i) => `1-${i + 1}`);

let broker: TestBroker;
before(async () => {
  broker = await startTestBroker();
});
after(() => broker.stop());

describe("beside redis-server", { skip: noRealRedis }, () => {
  let real: RealRedis;
  let us: RawRedis;
  let them: RawRedis;
  before(async () => {
    if (noRealRedis !== false) return;
    real = await RealRedis.start();
    us = await RawRedis.open(broker.ports.redis);
    them = await RawRedis.open(real.port);
  });
  after(async () => {
    if (noRealRedis !== false) return;
    await us.close();
    await them.close();
    await real.stop();
  });

  async function same(...words: Word[]): Promise<string> {
    const [got, wanted] = await Promise.all([us.call(...words), them.call(...words)]);
    assert.equal(got.length, wanted.length, words.slice(0, 6).join(" "));
    assert.ok(got === wanted, `${words.slice(0, 6).join(" ")}: another reply`);
    return got;
  }

  /** Lists whose order is nobody's business. */
  async function sameMembers(...words: Word[]): Promise<void> {
    const [got, wanted] = await Promise.all([us.call(...words), them.call(...words)]);
    assert.deepEqual(
      got.split("\r\n").toSorted(),
      wanted.split("\r\n").toSorted(),
      words.slice(0, 3).join(" "),
    );
  }

  test("keys", async () => {
    await same("mset", ...keys.flatMap((key, i) => [key, `value${i}`]));
    await same("mget", "absent", ...keys);
    await same("exists", ...keys, "absent", keys[0]!);
    await same("touch", ...keys);
    await sameMembers("keys", "*");
    await sameMembers("keys", "key1*");
    await sameMembers("scan", 0, "count", 1_000_000);
    await same("set", "large", Buffer.alloc(600_000, "x"));
    await same("mget", "large", "absent", "large", "key1", "large");
    await same("multi");
    await same("mget", ...keys);
    await same("exists", ...keys);
    assert.match(await same("exec"), /^\*2\r\n/);
    await same("unlink", ...keys.slice(0, many - 10), "absent");
    await same("del", ...keys);
    await same("dbsize");
    await same("flushall");
    await same("randomkey");
  });

  test("streams and groups", async () => {
    for (let i = 0; i < many; i++) void same("xadd", "s", ids[i]!, "field", `value${i}`);
    await same("xrange", "s", "-", "+");
    await same("xrange", "s", "1-100", "1-2500", "COUNT", 2000);
    await same("xrevrange", "s", "+", "-");
    await same("xread", "STREAMS", "s", 0);
    await same("xread", "COUNT", 2000, "STREAMS", "s", "absent", "1-500", 0);
    await same("xgroup", "create", "s", "g", 0);
    await same("xreadgroup", "group", "g", "c", "STREAMS", "s", ">");
    await same("xreadgroup", "group", "g", "c", "STREAMS", "s", 0);
    await same("xreadgroup", "group", "g", "c", "COUNT", 10, "STREAMS", "s", "1-2000");
    await same("xpending", "s", "g");
    await same("xpending", "s", "g", "(1-10", "1-1500", 0);
    await same("xclaim", "s", "g", "d", 0, ...ids, "justid");
    await same("xclaim", "s", "g", "e", 0, ...ids);
    await same("xautoclaim", "s", "g", "f", 0, 0, "count", 2500);
    await same("xautoclaim", "s", "g", "f", 0, 0, "count", 2500, "justid");
    await same("xack", "s", "g", ...ids.slice(0, 1500));
    await same("xdel", "s", ...ids.slice(500, 2500));
    await same("xlen", "s");
    await same("xrange", "s", "-", "+");
    await same("xrevrange", "s", "+", "-", "count", 700);
    await same("xautoclaim", "s", "g", "h", 0, 0, "count", 3000);
    await same("xtrim", "s", "maxlen", 200);
    await same("xrange", "s", "-", "+");
    await same("xgroup", "delconsumer", "s", "g", "f");
    await same("xgroup", "delconsumer", "s", "g", "h");
    await same("xinfo", "groups", "s");
    await same("multi");
    await same("xrange", "s", "-", "+");
    await same("exec");
  });

  test("consumers and groups by name", async () => {
    await same("xadd", "named", "1-1", "a", "b");
    for (let i = 0; i < 700; i++) {
      void same("xgroup", "create", "named", `g${(i * 7919) % 700}`, 0);
    }
    await same("xinfo", "groups", "named");
  });

  test("channels", async () => {
    const listeners = await Promise.all([RawRedis.open(broker.ports.redis), RawRedis.open(real.port)]);
    const counts = await Promise.all(
      listeners.map(async (listener) => {
        // RawRedis gives one reply for each call; the other confirmations come unasked.
        return (await listener.call("subscribe", ...keys)).split("\r\n").at(-2);
      }),
    );
    assert.deepEqual(counts, [":1", ":1"]);
    await sameMembers("pubsub", "channels");
    await sameMembers("pubsub", "channels", "key2*");
    await same("pubsub", "numsub", ...keys, "absent");
    await Promise.all(listeners.map((listener) => listener.close()));
  });
});

/** A connection of bytes: what it was sent so far. */
class Plain {
  readonly #socket: Socket;
  text = "";
  isClosed = false;
  #wake: () => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding("latin1").on("data", (text: string) => {
      this.text += text;
      this.#wake();
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      this.isClosed = true;
      this.#wake();
    });
  }

  static async open(): Promise<Plain> {
    const socket = connect(broker.ports.redis, "127.0.0.1");
    const plain = new Plain(socket);
    await new Promise((resolve) => socket.once("connect", resolve));
    return plain;
  }

  send(...lines: string[]): void {
    this.#socket.write(lines.map((line) => `${line}\r\n`).join(""));
  }

  async until(isMet: () => boolean): Promise<void> {
    while (!isMet()) await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

describe("a reply that comes later", () => {
  test("of a blocked read is not sent after CLIENT REPLY OFF, and later replies are in their place", async () => {
    const plain = await Plain.open();
    const other = await RawRedis.open(broker.ports.redis);
    plain.send("client id");
    await plain.until(() => plain.text.endsWith("\r\n"));
    const id = plain.text.slice(1, -2);
    plain.text = "";
    plain.send("client reply off", "xread block 0 streams later 0", "ping", "client reply on", "echo after");
    while (!(await other.call("client", "list", "id", id)).includes("flags=b"));
    await other.call("xadd", "later", "1-1", "a", "b");
    await plain.until(() => plain.text.endsWith("after\r\n"));
    assert.equal(plain.text, "+OK\r\n$5\r\nafter\r\n");
    plain.destroy();
    await other.close();
  });

  test("nor after SKIP, and the one behind it is", async () => {
    const plain = await Plain.open();
    plain.send("client reply skip", "xread block 1 streams never 0", "echo after");
    await plain.until(() => plain.text.endsWith("after\r\n"));
    assert.equal(plain.text, "$5\r\nafter\r\n");
    plain.destroy();
  });

  test("nor of a command in slices", async () => {
    const plain = await Plain.open();
    plain.send("client reply skip", `exists ${keys.join(" ")}`, "echo after");
    await plain.until(() => plain.text.endsWith("after\r\n"));
    assert.equal(plain.text, "$5\r\nafter\r\n");
    plain.destroy();
  });

  test("stays before those of the requests behind it", async () => {
    const plain = await Plain.open();
    plain.send(`exists ${keys.join(" ")}`, "echo one", `mget ${keys.slice(0, 1500).join(" ")}`, "echo two");
    await plain.until(() => plain.text.endsWith("two\r\n"));
    assert.equal(plain.text, `:0\r\n$3\r\none\r\n*1500\r\n${"$-1\r\n".repeat(1500)}$3\r\ntwo\r\n`);
    plain.destroy();
  });

  test("a connection that goes in the middle takes its work along, and others go on", async () => {
    const plain = await Plain.open();
    plain.send(...Array.from({ length: 20 }, () => `exists ${keys.join(" ")}`));
    plain.destroy();
    const other = await RawRedis.open(broker.ports.redis);
    assert.equal(await other.call("ping"), "+PONG\r\n");
    await other.close();
  });

  test("CLIENT KILL of oneself is answered first", async () => {
    const plain = await Plain.open();
    plain.send("client id");
    await plain.until(() => plain.text.endsWith("\r\n"));
    const id = plain.text.slice(1, -2);
    plain.text = "";
    plain.send(`client kill id ${id} skipme no`, "ping");
    await plain.until(() => plain.isClosed);
    assert.equal(plain.text, ":1\r\n");
  });

  test("confirmations of many channels are not overtaken by their messages", async () => {
    const plain = await Plain.open();
    const other = await RawRedis.open(broker.ports.redis);
    plain.send(`subscribe ${keys.join(" ")}`);
    while ((await other.call("publish", keys[0]!, "hello")) === ":0\r\n");
    await plain.until(() => plain.text.includes("hello"));
    assert.ok(plain.text.indexOf("hello") > plain.text.indexOf(`:${many}\r\n`));
    plain.destroy();
    await other.close();
  });
});

describe("a web page that reaches the port", () => {
  const request = [
    "POST / HTTP/1.1",
    "Host: 127.0.0.1:6379",
    "Content-Length: 20",
    "",
    "set taken by-a-page",
    "",
  ];
  for (const [what, lines] of [
    ["by POST", request],
    ["by GET, from its Host: on", ["GET / HTTP/1.1", ...request.slice(1)]],
  ] as const) {
    test(`${what} is closed before its body is run, and logged`, async () => {
      const plain = await Plain.open();
      plain.send(...lines);
      await plain.until(() => plain.isClosed);
      const other = await RawRedis.open(broker.ports.redis);
      assert.equal(await other.call("exists", "taken"), ":0\r\n");
      await other.close();
      await broker.logged(/sent an HTTP request/);
    });
  }
});

describe("what changes while a long command runs", () => {
  /** More than one turn's work. */
  const entries = 20_000;

  /** The stream `key` with a group, whose consumer has had some entries. */
  async function fill(plain: Plain, key: string): Promise<void> {
    plain.send(...Array.from({ length: entries }, (_, i) => `xadd ${key} 1-${i + 1} f v`));
    plain.send(`xgroup create ${key} g 0`, "echo filled");
    await plain.until(() => plain.text.endsWith("filled\r\n"));
    plain.text = "";
  }

  const commands: [name: string, words: (key: string) => Word[]][] = [
    ["XRANGE", (key) => ["xrange", key, "-", "+"]],
    ["XREVRANGE", (key) => ["xrevrange", key, "+", "-"]],
    ["XREAD", (key) => ["xread", "streams", key, 0]],
    ["XREADGROUP", (key) => ["xreadgroup", "group", "g", "d", "streams", key, ">"]],
    ["XINFO STREAM FULL", (key) => ["xinfo", "stream", key, "full", "count", 0]],
  ];
  const changes: [name: string, words: (key: string) => Word[]][] = [
    ["XTRIM", (key) => ["xtrim", key, "maxlen", 100]],
    ["XGROUP DESTROY", (key) => ["xgroup", "destroy", key, "g"]],
    ["DEL", (key) => ["del", key]],
    ["SET over it", (key) => ["set", key, "x"]],
    ["FLUSHALL", () => ["flushall"]],
  ];
  for (const [name, words] of commands) {
    test(`${name} gives a whole reply all the same, and the next one is in its place`, async () => {
      const plain = await Plain.open();
      const other = await RawRedis.open(broker.ports.redis);
      for (const [at, [changed, change]] of changes.entries()) {
        const key = `changing-${name.replaceAll(" ", "-")}-${at}`;
        await fill(plain, key);
        plain.send(words(key).join(" "), "echo behind");
        await other.call(...change(key));
        await plain.until(() => plain.text.endsWith("behind\r\n"));
        const end = replyEnd(Buffer.from(plain.text, "latin1"), 0);
        assert.equal(plain.text.slice(end), "$6\r\nbehind\r\n", `${name} during ${changed}`);
        plain.text = "";
      }
      plain.destroy();
      await other.close();
    });
  }
});
