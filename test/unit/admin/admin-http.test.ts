import assert from "node:assert/strict";
import { request } from "node:http";
import { connect, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { test } from "node:test";
import { type Site, siteHandler } from "../../../src/admin/routes.ts";
import { registerProcessMetrics } from "../../../src/admin/process-metrics.ts";
import { BytesInFlight } from "../../../src/base/bytes-in-flight.ts";
import type { Timers } from "../../../src/base/clock.ts";
import { StartError } from "../../../src/base/errors.ts";
import { Entrance } from "../../../src/net/entrance.ts";
import { httpConnectionHost, httpProtocol } from "../../../src/net/http.ts";
import { Server as Listeners } from "../../../src/net/listen.ts";
import { systemClock, systemTimers } from "../../../src/net/runtime.ts";
import { Logger } from "../../../src/base/logger.ts";
import { makeAccess } from "../../support/access.ts";
import { until } from "../../support/wait.ts";
import { Seeded } from "../../../sim/seeded.ts";
import type { Broker } from "../../../src/broker/broker.ts";
import { MetricsRegistry } from "../../../src/base/metrics.ts";

interface Reply {
  status: number | undefined;
  type: string | undefined;
  allow: string | undefined;
  body: string;
}

interface Listener {
  readonly port: number;
  readonly close: () => Promise<void>;
}

const connectionsMax = 100;

async function withHttp(
  options: Partial<Site> & { readonly host?: string; readonly port?: number; readonly timers?: Timers },
  act: (listener: Listener, logged: string[]) => Promise<void>,
): Promise<void> {
  const logged: string[] = [];
  const clock = { now: () => 0, monotonic: () => 0 };
  const { host = "127.0.0.1", port = 0, timers = systemTimers, ...site } = options;
  const logger = new Logger({ level: "info", clock, sink: (line) => logged.push(line) });
  const handler = siteHandler({
    registry: new MetricsRegistry(),
    readiness: () => ({ ready: true, checks: { storage: "ok" } }),
    logger,
    broker: {
      access: (await makeAccess()).access,
      vhosts: new Map(),
      vhost: () => undefined,
      addVhost: () => false,
      sync: async () => true,
      hasUnwrittenDefinitions: false,
    } as unknown as Broker,
    ...site,
  });
  const server = new Listeners({
    protocol: httpProtocol(handler, timers),
    host,
    connectionHost: httpConnectionHost(timers, new BytesInFlight({ bytesMax: 0, timers })),
    clock: systemClock,
    entrance: new Entrance({ max: connectionsMax, maxName: "the test", perAddressMax: 0, logger, timers }),
  });
  const close = () => server.drain();
  try {
    await act({ port: await server.listen(port), close }, logged);
  } finally {
    await close();
  }
}

async function ask(port: number, path: string, method = "GET", host = "127.0.0.1"): Promise<Reply> {
  return await new Promise((resolve, reject) => {
    const asked = request({ host, port, path, method, agent: false }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (body += chunk));
      response.on("end", () => {
        const { "content-type": type, allow } = response.headers;
        resolve({ status: response.statusCode, type, allow, body });
      });
    });
    asked.on("error", reject);
    asked.end();
  });
}

/** What a server answers to raw bytes until it closes. */
async function exchange(port: number, bytes: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  let received = "";
  socket.setEncoding("latin1");
  socket.on("data", (chunk: string) => (received += chunk));
  socket.on("error", () => {});
  socket.write(bytes);
  await new Promise((resolve) => socket.on("close", resolve));
  return received;
}

test("a listener answers every path by its contract", async () => {
  const registry = new MetricsRegistry();
  registry.counter({ name: "x_total", help: "X." }).add(3);
  await withHttp({ registry }, async ({ port }) => {
    assert.deepEqual(await ask(port, "/livez"), {
      status: 200,
      type: "text/plain; charset=utf-8",
      allow: undefined,
      body: "ok",
    });
    assert.equal((await ask(port, "/livez?verbose")).body, "ok");
    const ready = await ask(port, "/readyz");
    assert.equal(ready.status, 200);
    assert.deepEqual(JSON.parse(ready.body), { ready: true, checks: { storage: "ok" } });
    const metrics = await ask(port, "/metrics");
    assert.equal(metrics.type, "text/plain; version=0.0.4; charset=utf-8");
    assert.equal(metrics.body, "# HELP x_total X.\n# TYPE x_total counter\nx_total 3\n");
    const root = await ask(port, "/");
    assert.match(root.body, /"name":"TroikaMQ","version":"\d+\.\d+\.\d+"/);
    for (const path of ["/nothing", "/livez/", "/toString", "//", "/%2e%2e/etc"]) {
      const reply = await ask(port, path);
      assert.equal(reply.status, 404, path);
      assert.equal(JSON.parse(reply.body).error, "not_found");
    }
    for (const method of ["POST", "DELETE", "PUT", "OPTIONS"]) {
      const reply = await ask(port, "/livez", method);
      assert.deepEqual([reply.status, reply.allow], [405, "GET, HEAD"], method);
    }
    const head = await ask(port, "/metrics", "HEAD");
    assert.deepEqual([head.status, head.body], [200, ""]);
  });
});

test("a probe in HTTP/1.0, and a Host that makes no URL, are answered", async () => {
  await withHttp({}, async ({ port }) => {
    for (const head of [
      "HTTP/1.0\r\n",
      "HTTP/1.0\r\nHost: [\r\n",
      "HTTP/1.1\r\nHost: a:99999999\r\nConnection: close\r\n",
    ]) {
      assert.match(await exchange(port, `GET /livez?verbose ${head}\r\n`), /^HTTP\/1\.1 200 .*ok$/s, head);
    }
  });
});

test("a request of which it is doubtful whom it is meant for is refused, and the connection ends", async () => {
  await withHttp({}, async ({ port }) => {
    for (const head of [
      "GET /livez HTTP/1.1\r\n",
      "GET /livez HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n",
      "GET /livez HTTP/1.1\r\nHost: localhost\r\nhOST: example.org\r\n",
      "GET /livez HTTP/1.0\r\nHost: localhost\r\nHost: example.org\r\n",
      "GET http://localhost/livez HTTP/1.1\r\nHost: localhost\r\n",
      "GET http://example.org/livez HTTP/1.0\r\n",
      "GET //example.org HTTP/1.1\r\n",
      "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n",
    ]) {
      assert.match(await exchange(port, `${head}\r\n`), /^HTTP\/1\.1 400 /, head);
    }
  });
});

test("what is not ready answers 503 and says why", async () => {
  const readiness = () => ({ ready: false, checks: { storage: "disk full" } });
  await withHttp({ readiness }, async ({ port }) => {
    const reply = await ask(port, "/readyz");
    assert.equal(reply.status, 503);
    assert.equal(JSON.parse(reply.body).checks.storage, "disk full");
    assert.equal((await ask(port, "/livez")).status, 200);
  });
});

test("a fault in what is looked at is a 500 and a log line, not the end", async () => {
  const readiness = (): never => {
    throw new Error("boom");
  };
  await withHttp({ readiness }, async ({ port }, logged) => {
    assert.equal((await ask(port, "/readyz")).status, 500);
    assert.match(logged.join(""), /error http answer failed method=GET path=\/readyz reason=boom/);
    assert.equal((await ask(port, "/livez")).status, 200);
  });
});

test("a body is not read, too long a header is refused, half a request does not hold up closing", async () => {
  await withHttp({}, async ({ port, close }) => {
    const posted = await exchange(
      port,
      "POST /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\nabc",
    );
    assert.match(posted, /^HTTP\/1\.1 (405|413) /);
    const refused = await exchange(port, `GET / HTTP/1.1\r\nHost: a\r\nX: ${"a".repeat(20_000)}\r\n\r\n`);
    assert.doesNotMatch(refused, /^HTTP\/1\.1 200/);
    const half = exchange(port, "GET / HTTP/1.1\r\n");
    await ask(port, "/livez");
    await close();
    assert.equal(await half, "");
  });
});

/** Ten times as fast: ten seconds are one, which is enough for a request to come where other work has the processors. */
const fastTimers: Timers = { ...systemTimers, after: (ms, act) => systemTimers.after(ms / 10, act) };

test("half a request, and one that comes byte by byte, are closed after ten seconds; who waits for an answer is not", async () => {
  let release = (): void => {};
  const isSlow = new Promise<void>((resolve) => (release = resolve));
  const access = (await makeAccess()).access;
  const sync = async () => {
    await isSlow;
    return true;
  };
  const broker = {
    access,
    vhosts: new Map(),
    vhost: () => undefined,
    addVhost: () => true,
    sync,
    hasUnwrittenDefinitions: true,
  } as unknown as Broker;
  await withHttp({ timers: fastTimers, broker }, async ({ port }) => {
    assert.equal(await exchange(port, ""), "");
    assert.equal(await exchange(port, "GET / HTTP/1.1\r\nHo"), "");
    const dripping = connect(port, "127.0.0.1");
    dripping.on("error", () => {});
    const isClosed = new Promise<void>((resolve) => void dripping.on("close", () => resolve()));
    dripping.write("GET / HTTP/1.1\r\n");
    const drip = setInterval(() => dripping.write("X"), 20);
    // It would drip for ever.
    await isClosed;
    clearInterval(drip);
    const authorization = `Basic ${Buffer.from("guest:guest").toString("base64")}`;
    const head = `PUT /api/vhosts/slow HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${authorization}\r\n`;
    const noBody = `PUT /api/users/ann HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${authorization}\r\nContent-Length: 9\r\n\r\n{`;
    assert.equal(await exchange(port, noBody), "");
    const asked = exchange(port, `${head}Connection: close\r\n\r\n`);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    release();
    assert.match(await asked, /^HTTP\/1\.1 201 /);
  });
});

test("a client that ends its side after a request has its answer", async () => {
  await withHttp({}, async ({ port }) => {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    let received = "";
    socket.on("data", (bytes: Buffer) => (received += bytes.toString("latin1")));
    socket.end("GET /livez HTTP/1.1\r\nHost: a\r\n\r\n");
    await new Promise((resolve) => socket.on("close", resolve));
    assert.match(received, /^HTTP\/1\.1 200 .*ok$/s);
  });
});

test("requests that are sent without waiting are answered in order; who sends hundreds so is cut off", async () => {
  await withHttp({}, async ({ port }) => {
    const paths = ["/livez", "/nothing", "/readyz"];
    const asked = paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`).join("");
    const received = await exchange(port, `${asked}GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    const statuses = received.match(/HTTP\/1\.1 \d+/g)?.map((status) => Number(status.slice(9)));
    assert.deepEqual(statuses, [200, 404, 200, 200]);
    const flood = connect(port, "127.0.0.1");
    flood.on("error", () => {});
    flood.resume();
    const isClosed = new Promise((resolve) => void flood.on("close", resolve));
    const started = performance.now();
    flood.write("GET /livez HTTP/1.1\r\nHost: a\r\n\r\n".repeat(2000));
    await isClosed;
    assert.ok(performance.now() - started < 9000, "not by the deadline of those who ask nothing");
    assert.equal((await ask(port, "/livez")).status, 200);
  });
});

test("a long answer comes whole to a client that reads slowly, and a body past the bound is refused", async () => {
  const registry = new MetricsRegistry();
  registry.counter({ name: "x_total", help: "x".repeat(20_000_000) }).add(3);
  await withHttp({ registry, timers: fastTimers }, async ({ port }) => {
    const socket = connect(port, "127.0.0.1");
    let received = 0;
    socket.on("data", (bytes: Buffer) => {
      received += bytes.length;
      socket.pause();
      setTimeout(() => socket.resume(), 2);
    });
    socket.write("GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    await new Promise((resolve) => socket.on("close", resolve));
    assert.ok(received > 20_000_000, `${received}`);
    const authorization = `Basic ${Buffer.from("guest:guest").toString("base64")}`;
    const head = `PUT /api/users/ann HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${authorization}\r\n`;
    const large = await exchange(port, `${head}Content-Length: 100000\r\n\r\n${"x".repeat(100_000)}`);
    assert.match(large, /^HTTP\/1\.1 413 .*longer than 64 KiB/s);
  });
});

test("what is no HTTP is refused, in whatever pieces it comes, and others are served", async () => {
  const random = new Seeded(Number(process.env["HTTP_SEED"] ?? 1));
  const parts = [
    "GET ",
    "/livez",
    " HTTP/1.1",
    "\r\n",
    "\r\n\r\n",
    "Host: a",
    "\0",
    "Content-Length: 5",
    "abc",
  ];
  const more = [
    "Transfer-Encoding: chunked",
    "5\r\nabcde",
    "0",
    ": ",
    "Connection: close",
    "\n",
    "é",
    "CONNECT ",
  ];
  await withHttp({ timers: fastTimers }, async ({ port }) => {
    const asked = async (): Promise<void> => {
      const socket = connect(port, "127.0.0.1");
      socket.on("error", () => {});
      socket.resume();
      const isClosed = new Promise((resolve) => void socket.on("close", resolve));
      for (let i = random.between(1, 20); i > 0; i--) {
        socket.write(random.pick([...parts, ...more]), "latin1");
        if (random.chance(0.1)) await new Promise((resolve) => setTimeout(resolve, 1));
      }
      if (random.chance(0.5)) socket.end();
      await isClosed;
    };
    for (let i = 0; i < 20; i++) await Promise.all(Array.from({ length: 50 }, asked));
    assert.equal((await ask(port, "/livez")).status, 200);
  });
});

test("connections that ask nothing keep nobody out: the oldest are closed, and who comes is served", async () => {
  await withHttp({}, async ({ port }, logged) => {
    const sockets: Socket[] = [];
    let closed = 0;
    let asked = 0;
    const count = connectionsMax + 44;
    for (let i = 0; i < count; i++) {
      const socket = connect(port, "127.0.0.1");
      socket.on("error", () => {});
      socket.on("close", () => closed++);
      await new Promise((resolve) => socket.once("connect", resolve));
      sockets.push(socket);
      if (i % 20 !== 0) continue;
      assert.equal((await ask(port, "/livez")).body, "ok");
      asked++;
    }
    const least = count - connectionsMax;
    await until(() => closed >= least, `${least} closed connections`);
    // Those who asked had a place too, for a moment.
    assert.ok(closed <= least + asked, `${closed}`);
    assert.match(logged.join(""), /warn connections ended that had not logged in/);
    for (const socket of sockets) socket.destroy();
  });
});

test("localhost is both loopback addresses, on one port", async () => {
  await withHttp({ host: "localhost" }, async ({ port }) => {
    assert.equal((await ask(port, "/livez")).body, "ok");
    if (await hasIpv6()) assert.equal((await ask(port, "/livez", "GET", "::1")).body, "ok");
  });
});

async function hasIpv6(): Promise<boolean> {
  const server = await occupy("::1").catch(() => undefined);
  server?.close();
  return server !== undefined;
}

async function occupy(address: string): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, address, resolve);
  });
  return server;
}

test("a port in use is one line that names it, and exit code 1", async () => {
  const server = await occupy("127.0.0.1");
  const { port } = server.address() as AddressInfo;
  for (const host of ["127.0.0.1", "localhost"]) {
    await assert.rejects(
      withHttp({ host, port }, async () => {}),
      (error) => {
        assert.ok(error instanceof StartError);
        assert.equal(error.exitCode, 1);
        assert.equal(
          error.message,
          `http port ${port} on ${host} is in use; stop what listens there or choose another --http-port`,
        );
        return true;
      },
    );
  }
  server.close();
});

test("where the second address is in use, the first is given back", async () => {
  if (!(await hasIpv6())) return;
  const server = await occupy("::1");
  const { port } = server.address() as AddressInfo;
  await assert.rejects(
    withHttp({ host: "localhost", port }, async () => {}),
    StartError,
  );
  server.close();
  const freed = createServer();
  await new Promise<void>((resolve, reject) => {
    freed.once("error", reject);
    freed.listen(port, "127.0.0.1", resolve);
  });
  freed.close();
});

test("a wrong password is refused, also where none is needed", async () => {
  await withHttp({}, async ({ port }) => {
    const wrong = `Basic ${Buffer.from("guest:wrong").toString("base64")}`;
    for (const path of ["/", "/metrics"]) {
      const asked = `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n`;
      assert.match(await exchange(port, `${asked}Authorization: ${wrong}\r\n\r\n`), /^HTTP\/1\.1 401 /);
      assert.match(await exchange(port, `${asked}\r\n`), /^HTTP\/1\.1 200 /);
    }
  });
});

test("a port is not shared with another listener of ours", async () => {
  await withHttp({ host: "localhost" }, async ({ port }) => {
    await assert.rejects(
      withHttp({ host: "localhost", port }, async () => {}),
      /in use/,
    );
  });
});

test("the process tells its own numbers", () => {
  const registry = new MetricsRegistry();
  registerProcessMetrics(registry);
  const text = registry.text();
  assert.match(text, /^troikamq_build_info\{version="\d+\.\d+\.\d+",runtime="(bun|node) [\d.]+"\} 1$/m);
  assert.match(text, /^process_resident_memory_bytes \d{7,}$/m);
  assert.match(text, /^process_cpu_seconds_total \d/m);
  assert.match(text, /^process_uptime_seconds \d/m);
});
