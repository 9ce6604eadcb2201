/** Requests about very many things take turns, however many there are: exports, and searches of a connection. Counted, not timed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Rig } from "../../../fuzz/rig.ts";
import { apiRouter } from "../../../src/admin/api/index.ts";
import { nothingAround } from "../../../src/admin/api/surroundings.ts";
import type { OpenConnection } from "../../../src/base/connection-facts.ts";
import type { HttpAnswer } from "../../../src/base/http.ts";
import { everyName, newUser } from "../../../src/broker/access/users.ts";

async function started() {
  const rig = await Rig.open();
  const { access } = rig.broker;
  access.users.set(newUser("admin", { tags: ["administrator"], permissions: { "/": everyName } }));
  /** Answers, and how often `work` was at work in the turn in which it was most. */
  const ask = async (method: string, path: string, work: () => number) => {
    const request = { method, url: path, remoteHost: "", reason: undefined, authorization: undefined };
    const caller = access.permissions.of("admin");
    let answer: HttpAnswer | undefined;
    let [most, before] = [0, work()];
    const look = (): void => {
      most = Math.max(most, work() - before);
      before = work();
    };
    const asked = apiRouter.answer(rig.broker, caller, request as never, path, nothingAround);
    const ended = asked.then((given) => (answer = given!));
    for (look(); answer === undefined; look()) {
      if (rig.time.hasTickEnd) rig.time.endTick();
      // What waits for a promise goes on.
      await Promise.resolve();
    }
    await ended;
    return { answer, most };
  };
  return { rig, ask };
}

async function chunksOf(answer: HttpAnswer): Promise<string[]> {
  assert.ok("chunks" in answer, "a long answer comes in pieces");
  const chunks = await Array.fromAsync(answer.chunks(new AbortController().signal));
  return chunks.map(String);
}

test("an export of many users, policies and queues comes in pieces, none of which is long", async () => {
  const { rig, ask } = await started();
  const { access, parameters, defaultVhost } = rig.broker;
  const count = 3000;
  let looked = 0;
  for (let i = 0; i < count; i++) {
    const user = newUser(`user-${i}`, { permissions: { "/": everyName } });
    // Only an export asks for limits of all.
    const counted = Object.defineProperty({ ...user }, "limits", {
      get: () => (looked++, {}),
      enumerable: true,
    });
    access.users.set(counted);
  }
  for (let i = 0; i < 500; i++) {
    const value = { pattern: "^none$", definition: { "max-length": 1 }, priority: i % 3, "apply-to": "all" };
    parameters.set({ vhost: "/", component: "policy", name: `policy-${i}` }, value);
  }
  rig.settle();
  looked = 0;
  for (const path of ["/api/definitions", "/api/definitions/%2F"]) {
    const { answer, most } = await ask("GET", path, () => looked);
    const chunks = await chunksOf(answer);
    assert.ok(Math.max(...chunks.map(({ length }) => length)) < 32_768);
    const { users, permissions, policies } = JSON.parse(chunks.join("")) as Record<
      string,
      { name: string }[]
    >;
    const names = policies!.map(({ name }) => name);
    assert.deepEqual([names.length, ...names.slice(0, 2)], [500, "policy-0", "policy-102"]);
    if (path !== "/api/definitions") continue;
    assert.ok(users!.length >= count && permissions!.length >= count);
    assert.ok(looked >= count && most < 1500, `${most} of ${looked} users in one turn`);
  }
  assert.equal(defaultVhost.name, "/");
});

/** Connections of a user, which count how often they are described and closed. */
function withConnections(rig: Rig, count: number) {
  const counts = { described: 0, closed: 0 };
  const connections = new Map<number, OpenConnection>();
  for (let id = 1; id <= count; id++) {
    const end = { host: "127.0.0.1", port: id };
    const open = { id, protocol: "amqp", remote: end, local: { host: "127.0.0.1", port: 5672 } };
    const session = { user: "ann", vhost: "/", channels: 1, describeChannels: () => [] };
    const facts = { ...open, ...session, state: "running" };
    connections.set(id, {
      ...open,
      isClosed: false,
      describe: () => (counts.described++, facts),
      closeFor: () => counts.closed++,
    } as never);
  }
  rig.broker.connections.add({ connections });
  return counts;
}

test("closing a user's connections, and looking for one, looks at some in each turn", async () => {
  const { rig, ask } = await started();
  const count = 20_000;
  const counts = withConnections(rig, count);
  const name = encodeURIComponent("127.0.0.1:nowhere -> 127.0.0.1:5672");
  for (const [method, path, status] of [
    ["GET", `/api/connections/${name}`, 404],
    ["DELETE", `/api/connections/${name}`, 404],
    ["GET", `/api/connections/${name}/channels`, 404],
    ["GET", `/api/channels/${name}`, 404],
    ["GET", "/api/connections/username/nobody", 200],
    ["GET", "/api/vhosts/%2F/channels", 200],
    ["DELETE", "/api/connections/username/ann", 204],
  ] as const) {
    counts.described = 0;
    const { answer, most } = await ask(method, path, () => counts.described);
    assert.equal("status" in answer && answer.status, status, path);
    assert.ok(counts.described >= count, `${path}: ${counts.described} looked at`);
    assert.ok(most < 1000, `${method} ${path}: ${most} connections in one turn`);
  }
  assert.equal(counts.closed, count);
});
