import assert from "node:assert/strict";
import { request } from "node:http";
import { connect, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { test } from "node:test";
import { type Site, siteHandler } from "../../src/admin/routes.ts";
import { registerProcessMetrics } from "../../src/admin/process-metrics.ts";
import { StartError } from "../../src/base/errors.ts";
import { type HttpListener, listenHttp } from "../../src/net/http.ts";
import { Logger } from "../../src/base/logger.ts";
import { makeAccess } from "../support/access.ts";
import { MetricsRegistry } from "../../src/base/metrics.ts";

interface Reply {
  status: number | undefined;
  type: string | undefined;
  allow: string | undefined;
  body: string;
}

async function withHttp(
  options: Partial<Site> & { readonly host?: string; readonly port?: number },
  act: (listener: HttpListener, logged: string[]) => Promise<void>,
): Promise<void> {
  const logged: string[] = [];
  const clock = { now: () => 0, monotonic: () => 0 };
  const { host = "127.0.0.1", port = 0, ...site } = options;
  const handler = siteHandler({
    registry: new MetricsRegistry(),
    readiness: () => ({ ready: true, checks: { storage: "ok" } }),
    logger: new Logger({ level: "info", clock, sink: (line) => logged.push(line) }),
    broker: {
      access: (await makeAccess()).access,
      vhosts: new Map(),
      vhost: () => undefined,
      addVhost: () => false,
      sync: async () => {},
    },
    ...site,
  });
  const listener = await listenHttp({ host, port, handler });
  try {
    await act(listener, logged);
  } finally {
    await listener.close();
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
    const absolute = "GET http://anywhere/livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    assert.match(await exchange(port, absolute), /^HTTP\/1\.1 /);
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

const noBound = typeof Bun === "undefined" ? false : "Bun's server has no bound but that of descriptors";
test("connections past the bound are closed, the others are served", { skip: noBound }, async () => {
  await withHttp({}, async ({ port }) => {
    const sockets: Socket[] = [];
    let closed = 0;
    for (let i = 0; i < 300; i++) {
      const socket = connect(port, "127.0.0.1");
      socket.on("error", () => {});
      socket.on("close", () => closed++);
      await new Promise((resolve) => socket.once("connect", resolve));
      sockets.push(socket);
    }
    for (let i = 0; i < 200 && closed < 44; i++) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.equal(closed, 44);
    for (const socket of sockets) socket.destroy();
    for (let i = 0; i < 200; i++) {
      const reply = await ask(port, "/livez").catch(() => undefined);
      if (reply?.body === "ok") return;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assert.fail("not served again");
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
          `HTTP port ${port} of 127.0.0.1 is in use; choose another with --http-port`,
        );
        return true;
      },
    );
  }
  server.close();
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
