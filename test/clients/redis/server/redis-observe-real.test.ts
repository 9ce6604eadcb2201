/**
 * MONITOR, SLOWLOG, LATENCY, CLIENT PAUSE and the statistics of commands, beside the real redis-server: replies byte for byte, with
 * times and addresses taken out. Skipped, and said so, where there is no redis-server 7.0.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { connect, type Socket } from "node:net";
import { BesideRedis } from "../../../support/beside-redis.ts";
import { RawRedis, type Word } from "../../../support/raw-redis.ts";
import { noRealRedis } from "../../../support/real-redis.ts";
import { until } from "../../../support/wait.ts";

let beside: BesideRedis;
const options = { skip: noRealRedis, timeout: 10_000 };

before(async () => {
  if (noRealRedis === false) beside = await BesideRedis.start([]);
});
after(async () => {
  if (noRealRedis === false) await beside.stop();
});

/** The same work on our broker, then on redis; what it says must be the same. */
async function sameOf(work: (port: number) => Promise<unknown>): Promise<void> {
  const [ours, real] = beside.ports;
  const got = await work(ours);
  assert.deepEqual(got, await work(real));
}

async function withClients<T>(port: number, work: (a: RawRedis, b: RawRedis) => Promise<T>): Promise<T> {
  const a = await RawRedis.open(port);
  const b = await RawRedis.open(port);
  try {
    return await work(a, b);
  } finally {
    await a.close();
    await b.close();
  }
}

/** Everything that a connection gets, as text. */
class Listener {
  text = "";
  readonly #socket: Socket;

  constructor(port: number) {
    this.#socket = connect(port, "127.0.0.1");
    this.#socket.on("data", (bytes: Buffer) => (this.text += bytes.latin1Slice()));
    this.#socket.on("error", () => {});
  }

  send(text: string): void {
    this.#socket.write(text);
  }

  async has(part: string): Promise<void> {
    await until(() => this.text.includes(part), part);
  }

  close(): void {
    this.#socket.destroy();
  }
}

test(
  "MONITOR shows commands with their database, address and escapes, and hides secrets",
  options,
  async () => {
    await sameOf(async (port) => {
      const monitor = new Listener(port);
      monitor.send("MONITOR\r\n");
      await monitor.has("+OK\r\n");
      await withClients(port, async (client, other) => {
        const requests: Word[][] = [
          ["SET", "k", 'a"b\\c\n\r\t\x07\x08\x00\x7f\xff é'],
          ["get", "k"],
          ["select", 3],
          ["PING"],
          ["config", "get", "maxmemory"],
          ["client", "list"],
          ["client", "setname", "x"],
          ["auth", "default", "secret"],
          ["auth", "secret"],
          ["hello", 3, "auth", "default", "secret", "setname", "n"],
          ["nosuch", "x"],
          ["get"],
          ["incr", "k"],
          ["multi"],
          ["set", "a", 1],
          ["get", "a"],
          ["exec"],
          ["eval", "redis.call('set', KEYS[1], ARGV[1]) return redis.call('get', KEYS[1])", 1, "k", "v"],
          ["script", "load", "return 1"],
          ["blpop", "nolist", "0.01"],
          ["acl", "whoami"],
          ["slowlog", "len"],
          ["subscribe", "ch"],
        ];
        for (const request of requests) await client.call(...request);
        await other.call("set", "last", "end");
        await monitor.has('"end"');
      });
      monitor.close();
      return monitor.text.replaceAll(/\+\d+\.\d{6} /g, "+T ").replaceAll(/127\.0\.0\.1:\d+/g, "ADDRESS");
    });
  },
);

test("a connection in MONITOR", options, async () => {
  await sameOf(async (port) => {
    const monitor = new Listener(port);
    monitor.send(
      "MULTI\r\nMONITOR\r\nEXEC\r\nMONITOR\r\nMONITOR\r\nGET k\r\nSET k v\r\nPING\r\nEXISTS k\r\nRESET\r\nGET nokey\r\n",
    );
    await monitor.has("$-1\r\n");
    monitor.close();
    return monitor.text.replaceAll(/\+\d+\.\d{6} /g, "+T ").replaceAll(/127\.0\.0\.1:\d+/g, "ADDRESS");
  });
});

test("a connection in MONITOR may call a script that says that it writes nothing", options, async () => {
  await sameOf(async (port) => {
    const monitor = new Listener(port);
    monitor.send(
      'MONITOR\r\nEVAL "#!lua flags=no-writes\\nreturn 1" 0\r\nEVAL "#!lua\\nreturn 1" 0\r\nEVAL "return 1" 0\r\nEVAL_RO "return 1" 0\r\n',
    );
    monitor.send("RESET\r\nGET nokey\r\n");
    await monitor.has("$-1\r\n");
    monitor.close();
    return monitor.text.replaceAll(/\+\d+\.\d{6} .*\r\n/g, "");
  });
});

test("a monitor in RESP3, and its flags in CLIENT LIST", options, async () => {
  await sameOf(async (port) => {
    const monitor = new Listener(port);
    monitor.send("HELLO 3\r\nMONITOR\r\nCLIENT SETNAME m\r\nPING\r\n");
    await monitor.has("+PONG\r\n");
    const list = await withClients(port, (client) => client.call("client", "list", "type", "normal"));
    monitor.close();
    return /name=m .* flags=(\w+)/.exec(list)?.[1];
  });
});

test("CLIENT PAUSE holds back commands, and UNPAUSE lets them go on in order", options, async () => {
  await sameOf(async (port) =>
    withClients(port, async (client, other) => {
      const said: unknown[] = [];
      await client.call("del", "k", "l");
      for (const words of [
        ["client", "pause"],
        ["client", "pause", "abc"],
        ["client", "pause", "-1"],
        ["client", "pause", "1000", "some"],
        ["client", "pause", "1000", "write", "more"],
        ["client", "pause", "99999999999999999999"],
        ["client", "unpause"],
        ["client", "unpause", "x"],
        ["client", "pause", "0"],
        ["client", "pause", "100000", "write"],
      ])
        said.push(await client.call(...words));
      const order: string[] = [];
      const note = (name: string, reply: Promise<string>): Promise<unknown> =>
        reply.then((text) => order.push(`${name} ${text}`));
      const waiting = [
        note("rpush", other.call("rpush", "l", "1")),
        note("get", other.call("get", "k")),
        note("publish", other.call("publish", "c", "m")),
      ];
      await until(
        async () => (await client.call("info", "clients")).includes("blocked_clients:1"),
        "a paused client",
      );
      said.push(await client.call("get", "k"));
      // Redis 7.0.15 ends with a fault when CLIENT UNBLOCK names a paused client.
      said.push(/flags=b/.test(await client.call("client", "list")));
      said.push(await client.call("multi"), await client.call("get", "k"), await client.call("exec"));
      said.push(await client.call("eval_ro", "return 1", "0"));
      said.push(await client.call("client", "unpause"));
      await Promise.all(waiting);
      return [said, order];
    }),
  );
});

test(
  "CLIENT PAUSE holds back EXEC of writes and the rest of a pipeline, and ends by itself",
  options,
  async () => {
    await sameOf(async (port) =>
      withClients(port, async (client, other) => {
        await client.call("del", "k");
        await client.call("multi");
        await client.call("incr", "k");
        const said = [await other.call("client", "pause", "100", "WRITE")];
        const exec = client.call("exec");
        said.push(await other.call("exists", "k"));
        said.push(await exec);
        said.push(await other.call("client", "pause", "60", "all"));
        said.push(
          ...(await Promise.all(
            client.pipeline([
              ["incr", "k"],
              ["incr", "k"],
              ["get", "k"],
            ]),
          )),
        );
        // Of two pauses the later end counts.
        said.push(await other.call("client", "pause", "50"));
        said.push(await other.call("get", "k"));
        return said;
      }),
    );
  },
);

test("a connection that ends while it is paused leaves nothing behind", options, async () => {
  await sameOf(async (port) =>
    withClients(port, async (client) => {
      const other = await RawRedis.open(port);
      await client.call("client", "pause", "100000", "write");
      void other.call("set", "gone", "1");
      await until(
        async () => (await client.call("info", "clients")).includes("blocked_clients:1"),
        "a paused client",
      );
      await other.close();
      await until(
        async () => (await client.call("info", "clients")).includes("blocked_clients:0"),
        "no paused client",
      );
      return [await client.call("client", "unpause"), await client.call("exists", "gone")];
    }),
  );
});

function withoutTimes(text: string): string {
  return text
    .replaceAll(/:\d+\r\n:\d{10}\r\n:\d+\r\n/g, ":ID :TIME :US\r\n")
    .replaceAll(/\$\d+\r\n127\.0\.0\.1:\d+/g, "ADDRESS");
}

test("SLOWLOG keeps slow commands, cut to their bounds", options, async () => {
  await sameOf(async (port) =>
    withClients(port, async (client) => {
      const said: string[] = [];
      const call = async (...words: Word[]): Promise<void> =>
        void said.push(withoutTimes(await client.call(...words)));
      await client.call("client", "setname", "tester");
      await call("config", "set", "slowlog-log-slower-than", "100000000");
      await call("slowlog", "reset");
      await call("slowlog", "len");
      await call("config", "set", "slowlog-log-slower-than", "0");
      await call("set", "k", "v".repeat(200));
      await call("rpush", "l", ...Array.from({ length: 40 }, (_, at) => `e${at}`));
      await call("auth", "default", "pass");
      await call("acl", "setuser", "someone", "on", ">secret", "+get");
      await call("config", "set", "requirepass", "");
      await call("incr", "k");
      await call("multi");
      await call("set", "a", "1");
      await call("exec");
      await call("eval", "return redis.call('get', 'a')", "0");
      await call("blpop", "nolist", "0.01");
      await call("slowlog", "len");
      await call("slowlog", "get", "3");
      await call("slowlog", "get", "-1");
      await call("slowlog", "get");
      await call("slowlog", "get", "-2");
      await call("slowlog", "get", "a");
      await call("slowlog", "get", "1", "2");
      await call("slowlog", "nosuch");
      await call("slowlog", "help");
      await call("config", "set", "slowlog-max-len", "2");
      await call("slowlog", "len");
      await call("slowlog", "get", "-1");
      await call("config", "set", "slowlog-log-slower-than", "-1");
      await call("slowlog", "len");
      await call("slowlog", "reset");
      await call("slowlog", "len");
      await call("config", "set", "slowlog-max-len", "128", "slowlog-log-slower-than", "10000");
      await call("acl", "deluser", "someone");
      return said;
    }),
  );
});

test("LATENCY answers as redis", options, async () => {
  await beside.sameAll(`
    latency latest
    latency history command
    latency reset
    latency reset command nosuch
    latency graph command
    latency doctor
    latency help
    latency nosuch
    latency history
    latency histogram nosuch
    config set latency-monitor-threshold 100000
    latency doctor
    latency latest
    config set latency-monitor-threshold 0
    config get latency-tracking
    config get latency-tracking-info-percentiles
    config get latency-monitor-threshold
  `);
});

test("statistics of commands: calls, refused, failed", options, async () => {
  await sameOf(async (port) =>
    withClients(port, async (client) => {
      await client.call("config", "resetstat");
      await client.call("set", "k", "v");
      for (let at = 0; at < 100; at++) await client.call("get", "k");
      await client.call("get");
      await client.call("incr", "k");
      await client.call("lpush", "k", "x");
      await client.call("client", "setname", "x");
      await client.call("client", "nosuch");
      await client.call("multi");
      await client.call("incr", "n");
      await client.call("get");
      await client.call("exec");
      await client.call("eval", "return redis.call('get', 'k')", "0");
      await client.call("eval", "return redis.call('lpush', 'k', 1)", "0");
      await client.call("blpop", "nolist", "0.01");
      const info = await client.call("info", "commandstats");
      const histogram = await client.call("latency", "histogram", "get", "client");
      const percentiles = await client.call("info", "latencystats");
      const stats = info
        .replaceAll(/usec=\d+,usec_per_call=[\d.]+/g, "US")
        .split("\r\n")
        .slice(1);
      return [
        stats.toSorted(),
        histogram
          .replaceAll(/histogram_usec[^a-z$]*/g, "")
          .split("\r\n")
          .filter((line) => /calls|setname|get/.test(line)),
        percentiles
          .replaceAll(/=[\d.]+/g, "=N")
          .split("\r\n")
          .slice(1)
          .toSorted(),
      ];
    }),
  );
});

test("failed_calls counts each call that answered an error, raised or returned", options, async () => {
  await sameOf(async (port) =>
    withClients(port, async (client) => {
      await client.call("set", "k", "text");
      await client.call("config", "resetstat");
      for (const script of [
        "return redis.error_reply('MINE x')",
        "return {err = 'MINE y'}",
        "return redis.pcall('lpush', KEYS[1], 'x')",
        "redis.pcall('lpush', KEYS[1], 'x') return 1",
        "return {1, redis.pcall('lpush', KEYS[1], 'x')}",
        "error('raised')",
        "return redis.call('lpush', KEYS[1], 'x')",
        "return 1",
      ])
        await client.call("eval", script, 1, "k");
      await client.call("multi");
      await client.call("lpush", "k", "x");
      await client.call("exec");
      const text = await client.call("info", "commandstats", "errorstats");
      return text
        .split(/\r?\n/)
        .filter((line) => /^(cmdstat_(eval|lpush|exec)|errorstat_)/.test(line))
        .map((line) => line.replaceAll(/usec[^,]*,/g, ""))
        .toSorted();
    }),
  );
});

test("used_memory_lua is what values of scripts hold, and stays small", options, async () => {
  await sameOf(async (port) =>
    withClients(port, async (client) => {
      await client.call("script", "flush");
      for (let i = 0; i < 200; i++) await client.call("eval", "return {KEYS[1], ARGV[1]}", 1, "k", i);
      const [, bytes] = /used_memory_lua:(\d+)/.exec(await client.call("info", "memory"))!;
      const [, ofEval] = /used_memory_vm_eval:(\d+)/.exec(await client.call("info", "memory"))!;
      return [Number(bytes) > 0, Number(bytes) < 100 << 10, Number(ofEval) < 100 << 10];
    }),
  );
});
