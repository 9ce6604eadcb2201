/**
 * An HTTP connection that becomes another protocol's over WebSocket, by `ws` and by Node's own client, over TCP and TLS: it goes
 * through the tick's holds as any connection does, bounds and closings are the connection's, and nothing is left behind.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import fs from "node:fs";
import http from "node:http";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { WebSocket as WsClient } from "ws";
import { findBun } from "../../../bin/runtime.js";
import { Certificates, noOpenssl } from "../security/security-tls-support.ts";

interface Facts {
  readonly open: number;
  readonly ended: number;
  readonly received: number;
  readonly inFlight: number;
}

const script = path.join(import.meta.dirname, "../../support/echo-broker.ts");
const directory = fs.mkdtempSync(path.join(os.tmpdir(), "troikamq-websocket-"));
let authority: Certificates | null = null;
let child: ChildProcess;
let lines: AsyncIterator<string>;
let ports: { http: number; httpTls: number; redis: number };

async function ask(line: string): Promise<Facts> {
  child.stdin!.write(`${line}\n`);
  return JSON.parse((await lines.next()).value as string) as Facts;
}

/** Asks until it is so: what ends on this side is heard on the other a little later. */
async function factsWhen(isSo: (facts: Facts) => boolean): Promise<Facts> {
  for (let asked = 0; asked < 2000; asked++) {
    const facts = await ask("facts");
    if (isSo(facts)) return facts;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return assert.fail(JSON.stringify(await ask("facts")));
}

async function start(options: object = {}): Promise<void> {
  const runtime = process.env["TROIKAMQ_TEST_RUNTIME"] === "node" ? process.execPath : findBun()!;
  child = spawn(runtime, [script, JSON.stringify(options)], { stdio: ["pipe", "pipe", "inherit"] });
  lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  ({ ports } = JSON.parse((await lines.next()).value as string) as { ports: typeof ports });
}

function withTls(): object {
  authority = new Certificates();
  const { cert, key } = authority.signed("server");
  return { tlsCert: cert, tlsKey: key, ports: { httpTls: 0 } };
}

before(async () => {
  const tls = noOpenssl === false ? withTls() : {};
  const dataDir = path.join(directory, "data");
  await start({ dataDir, ...tls });
});

after(async () => {
  if (child.exitCode === null) child.kill("SIGKILL");
  authority?.remove();
  fs.rmSync(directory, { recursive: true, force: true });
});

const echoUrl = () => `ws://127.0.0.1:${ports.http}/echo`;

async function opened(client: WsClient): Promise<WsClient> {
  await once(client, "open");
  return client;
}

/** Messages until there are so many bytes, as one. */
async function heard(client: WsClient, size: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  return await new Promise((resolve, reject) => {
    client.on("error", reject);
    client.on("close", (code) => reject(new Error(`closed ${code} after ${length} of ${size} bytes`)));
    client.on("message", (data: Buffer) => {
      parts.push(data);
      length += data.length;
      if (length >= size) resolve(Buffer.concat(parts));
    });
  });
}

/** Not before everything that was sent until now has been handled there. */
async function isQuiet(client: WsClient, received: number): Promise<void> {
  await factsWhen((facts) => facts.received >= received);
  client.ping("marker");
  await once(client, "pong");
}

test("an answer waits until it is on the disk, and a ping meanwhile does not", async () => {
  const client = await opened(new WsClient(echoUrl(), ["other", "echo"]));
  assert.equal(client.protocol, "echo");
  const { received } = await ask("hold");
  const messages: string[] = [];
  client.on("message", (data: Buffer) => messages.push(data.toString()));
  client.send("hello");
  await isQuiet(client, received + 5);
  assert.deepEqual(messages, []);
  const answered = once(client, "message");
  await ask("release");
  await answered;
  assert.deepEqual(messages, ["hello"]);
  client.close(3001);
  assert.equal((await once(client, "close"))[0], 3001);
});

for (const [name, url, options] of [
  ["TCP", echoUrl, {}],
  ["TLS", () => `wss://127.0.0.1:${ports.httpTls}/echo`, { rejectUnauthorized: false }],
] as const) {
  test(
    `${name}: 8 MB there and back in messages of many sizes and fragments`,
    { skip: name === "TLS" && noOpenssl },
    async () => {
      const client = await opened(new WsClient(url(), options));
      const messages = [0, 1, 125, 126, 65_535, 65_536, 1 << 20, 3 << 20, 4 << 20].map((size) =>
        randomBytes(size),
      );
      const wanted = createHash("sha256").update(Buffer.concat(messages)).digest("hex");
      const all = heard(client, Buffer.concat(messages).length);
      for (const message of messages) {
        client.send(message.subarray(0, message.length / 2), { fin: false });
        client.send(message.subarray(message.length / 2), { fin: true });
      }
      assert.equal(
        createHash("sha256")
          .update(await all)
          .digest("hex"),
        wanted,
      );
      client.close();
      assert.equal((await once(client, "close"))[0], 1005);
    },
  );
}

test("Node's own client, with and without a name; a text is heard as well", async () => {
  for (const names of [[], ["echo"]]) {
    const client = new WebSocket(echoUrl(), names);
    client.binaryType = "arraybuffer";
    await once(client, "open");
    assert.equal(client.protocol, names[0] ?? "");
    client.send("grüße");
    const [{ data }] = (await once(client, "message")) as [MessageEvent<ArrayBuffer>];
    assert.equal(Buffer.from(data).toString(), "grüße");
    client.close(1000, "done");
    const [{ code, wasClean }] = (await once(client, "close")) as [CloseEvent];
    assert.deepEqual([code, wasClean], [1000, true]);
  }
});

test("a client that reads nothing is not read from, and gets all once it reads", async () => {
  const client = await opened(new WsClient(echoUrl()));
  const { received } = await ask("facts");
  client.pause();
  const chunk = randomBytes(64 << 10);
  const chunks = 1024;
  for (let i = 0; i < chunks; i++) client.send(chunk);
  // It stops hearing: what the sockets hold, and the output's high water.
  let seen = -1;
  const stalled = await factsWhen((facts) => {
    const isStill = facts.received === seen && facts.received > received;
    seen = facts.received;
    return isStill;
  });
  assert.ok(stalled.received - received < (chunks * chunk.length) / 2, String(stalled.received - received));
  const all = heard(client, chunks * chunk.length);
  client.resume();
  const bytes = await all;
  assert.ok(bytes.subarray(-chunk.length).equals(chunk));
  client.close();
  await once(client, "close");
});

interface Reply {
  readonly status: number | undefined;
  readonly headers: http.IncomingHttpHeaders;
}

function handshake(headers: Record<string, string>, socketPath = "/echo"): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const request = http.request({
      host: "127.0.0.1",
      port: ports.http,
      path: socketPath,
      headers,
      agent: false,
    });
    const settle = (response: http.IncomingMessage): void => {
      resolve({ status: response.statusCode, headers: response.headers });
      response.resume();
    };
    request.on("response", settle);
    request.on("upgrade", (response, socket) => {
      settle(response);
      socket.destroy();
    });
    request.on("error", reject);
    request.end();
  });
}

const good = {
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
};

test("who does not ask in the right way, or from another site, is told so by HTTP", async () => {
  const cases: [Record<string, string>, number][] = [
    [good, 101],
    [{ ...good, origin: `http://127.0.0.1:${ports.http}` }, 101],
    [{ ...good, origin: "https://example.org" }, 403],
    [{ ...good, host: "rebound.example.org" }, 421],
    [{}, 426],
    [{ ...good, "sec-websocket-version": "8" }, 426],
    [{ ...good, "sec-websocket-key": "x" }, 400],
    [{ ...good, "sec-websocket-protocol": "stomp" }, 400],
  ];
  for (const [headers, status] of cases) {
    assert.equal((await handshake(headers)).status, status, JSON.stringify(headers));
  }
  assert.equal((await handshake({ ...good }, "/livez")).status, 200);
  const reply = await handshake({ ...good, "sec-websocket-version": "8" });
  assert.equal(reply.headers["sec-websocket-version"], "13");
});

function raw(): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host: "127.0.0.1", port: ports.http, allowHalfOpen: true }, () => {
      const head = Object.entries(good).map(([name, value]) => `${name}: ${value}\r\n`);
      socket.write(`GET /echo HTTP/1.1\r\nHost: localhost\r\n${head.join("")}\r\n`);
      socket.once("data", (bytes) => {
        assert.match(bytes.toString("latin1"), /^HTTP\/1\.1 101 /);
        resolve(socket);
      });
    });
    socket.on("error", reject);
  });
}

async function untilEnd(socket: net.Socket): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of socket as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts);
}

const hi = Buffer.from("828200000000", "hex");

test("a peer that ends its side of the socket gets its answer and our close; one that breaks the rules the code", async () => {
  const half = await raw();
  half.end(Buffer.concat([hi, Buffer.from("hi")]));
  assert.equal((await untilEnd(half)).toString("hex"), `8202${Buffer.from("hi").toString("hex")}880203e8`);

  const unmasked = await raw();
  unmasked.write(Buffer.from("82026869", "hex"));
  const told = await untilEnd(unmasked);
  assert.deepEqual([told[0], told.readUInt16BE(2)], [0x88, 1002]);
  unmasked.end();
});

test("what is sent before the answer to the handshake is refused", async () => {
  const socket = net.connect({ host: "127.0.0.1", port: ports.http });
  const head = Object.entries(good).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(
    Buffer.concat([
      Buffer.from(`GET /echo HTTP/1.1\r\nHost: localhost\r\n${head.join("")}\r\n`),
      hi,
      Buffer.from("hi"),
    ]),
  );
  assert.match((await untilEnd(socket)).toString("latin1"), /^HTTP\/1\.1 400 /);
});

test("1,000 upgrades, ended in each way, leave nothing behind", { timeout: 120_000 }, async () => {
  const earlier = await factsWhen(({ open }) => open === 0);
  for (let round = 0; round < 20; round++) {
    const clients = await Promise.all(
      Array.from({ length: 50 }, () => opened(new WsClient(echoUrl(), { perMessageDeflate: false }))),
    );
    const closed = clients.map(async (client, i) => {
      const end = once(client, "close");
      client.send(Buffer.alloc(100));
      if (i % 3 === 0) client.terminate();
      else client.close(i % 3 === 1 ? 1000 : undefined);
      await end;
    });
    await Promise.all(closed);
  }
  const left = await factsWhen(({ open }) => open === 0);
  assert.equal(left.ended - earlier.ended, 1000);
  const metrics = await (await fetch(`http://127.0.0.1:${ports.http}/metrics`)).text();
  assert.match(metrics, /^troikamq_connections\{protocol="echo"\} 0$/m);
  // The one that asks.
  assert.match(metrics, /^troikamq_connections\{protocol="http"\} 1$/m);
  // Places among HTTP's, of which there are 256, were given back: nobody had to go for another.
  assert.match(metrics, /^troikamq_connections_refused_total\{protocol="http",reason="evicted"\} 0$/m);
  assert.match(metrics, /^troikamq_connections_accepted_total\{protocol="echo"\} 10\d\d$/m);
  const settled = await factsWhen(({ inFlight }) => inFlight <= earlier.inFlight);
  assert.ok(settled.inFlight <= earlier.inFlight);
});

test("an upgraded connection is one of the clients: where these are full it is refused, and HTTP goes on", async () => {
  assert.equal((await ask("stop")).open, 0);
  await start({ connectionsMax: 2 });
  const clients = await Promise.all([opened(new WsClient(echoUrl())), opened(new WsClient(echoUrl()))]);
  assert.equal((await handshake(good)).status, 503);
  assert.equal((await fetch(`http://127.0.0.1:${ports.http}/livez`)).status, 200);
  const redis = net.connect(ports.redis, "127.0.0.1");
  assert.match((await untilEnd(redis)).toString(), /max number of clients reached/);
  clients[0].close();
  await once(clients[0], "close");
  assert.equal((await handshake(good)).status, 101);
  clients[1].close();
  await once(clients[1], "close");
});

test("a broker that stops says so, after what it has to say, and keeps its promise", async () => {
  const client = await opened(new WsClient(echoUrl()));
  const { received } = await ask("hold");
  const messages: string[] = [];
  client.on("message", (data: Buffer) => messages.push(data.toString()));
  const closed = once(client, "close");
  client.send("promised");
  await isQuiet(client, received + 8);
  child.stdin!.write("stop\n");
  await ask("release");
  assert.equal((await closed)[0], 1001);
  assert.equal(messages.join(""), "promisedbye");
  const exited = once(child, "exit");
  await lines.next();
  assert.deepEqual(await exited, [0, null]);
});
