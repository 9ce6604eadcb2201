/** Requests that ask for much leave turns to others: messages that are got, definitions that are imported. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Refusal } from "../../../src/admin/answers.ts";
import type { Answer, Asked } from "../../../src/admin/api/endpoint.ts";
import { importing } from "../../../src/admin/definitions/import.ts";
import { withHashes } from "../../../src/admin/definitions/passwords.ts";
import { queueEndpoints } from "../../../src/admin/rabbitmq/queues.ts";
import { finishNow } from "../../../src/base/turn-work.ts";
import { passwordDigest } from "../../../src/broker/access/password-hash.ts";
import { openBareBroker } from "../../support/bare-broker.ts";

const options = { vhost: null, caller: null, queueFault: () => null } as const;

test("messages are got in turns, all that are asked for, and in order", async () => {
  const bare = await openBareBroker();
  let turn = 0;
  let got = 0;
  const byTurn = new Map<number, number>();
  const channel = {
    get: async () => {
      byTurn.set(turn, (byTurn.get(turn) ?? 0) + 1);
      const payload = Buffer.from(String(++got));
      return { payload, deliveryTag: got, properties: {}, redelivered: false, exchange: "", routingKey: "q" };
    },
    settle: (last: number) => assert.equal(last, 5000),
    close: () => {},
  };
  const asked = {
    broker: bare.broker,
    caller: { user: { tags: ["administrator"] }, hasVhost: () => true },
    names: { vhost: "/", name: "q" },
    body: { ackmode: "ack_requeue_true", count: 5000, encoding: "auto" },
    around: { amqp: { open: () => channel } },
  } as unknown as Asked<never>;
  const { run } = queueEndpoints.find(({ path }) => path.endsWith("/get"))!;
  let answer: Answer | null = null;
  void Promise.resolve(run(asked)).then((given) => (answer = given));
  await bare.turnsUntil(() => {
    turn++;
    return answer !== null;
  });
  const { chunks } = answer! as unknown as { chunks: () => AsyncIterable<string> };
  const messages = JSON.parse((await Array.fromAsync(chunks())).join("")) as { payload: string }[];
  assert.deepEqual(
    messages.map(({ payload }) => Number(payload)),
    Array.from({ length: 5000 }, (_, i) => i + 1),
  );
  const most = Math.max(...byTurn.values());
  assert.ok(most <= 500, `${most} messages in a turn`);
  await bare.close();
});

test("passwords of a document are hashed on other threads, and the import hashes none", async () => {
  const bare = await openBareBroker();
  const { access } = bare.broker;
  const users = [
    { name: "one", tags: "", password: "first" },
    { name: "two", tags: "", password: "" },
    { name: "three", tags: "" },
  ];
  const document = await withHashes(bare.broker, { users });
  access.storedPassword = () => assert.fail("a password is hashed in a turn");
  finishNow(importing(bare.broker, document, options));
  assert.ok(access.findStoredPassword(access.users.get("one")!.passwords, passwordDigest("first")));
  assert.equal(
    access.findStoredPassword(access.users.get("one")!.passwords, passwordDigest("other")),
    undefined,
  );
  assert.deepEqual(
    ["two", "three"].map((name) => access.users.get(name)!.passwords),
    [[], []],
  );
  await assert.rejects(
    async () =>
      finishNow(
        importing(
          bare.broker,
          await withHashes(bare.broker, {
            users: [{ name: "x", tags: "", password: "a", password_hash: "b" }],
          }),
          options,
        ),
      ),
    Refusal,
  );
  await bare.close();
});

test("the look whether all queues fit is sliced", async () => {
  const bare = await openBareBroker();
  const queues = Array.from({ length: 2000 }, (_, i) => ({ name: `q${i}`, vhost: "/" }));
  const job = importing(bare.broker, { queues }, options);
  let looks = 0;
  while (bare.broker.vhost("/")!.queues.size === 0) {
    assert.notEqual(job.next().done, true);
    looks++;
  }
  assert.ok(looks >= 20, `${looks} pieces before the first queue`);
  job.return();
  await bare.close();
});
