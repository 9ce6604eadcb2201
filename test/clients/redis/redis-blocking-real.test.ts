/**
 * Commands that wait for streams, on the real redis-server and on us: who is woken by what, with which reply. And the model that random
 * runs compare with (test/support/blocking-model.ts) beside the real server's lists, so that what it says of redis is so. Skipped, and said
 * so, where there is no redis-server 7.0.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { type BlockingCase, replies } from "../../support/blocking-cases.ts";
import { BlockingModel, ModelClient, pushing } from "../../support/blocking-model.ts";
import { pipelines } from "../../support/blocking-requests.ts";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { RawRedis } from "../../support/raw-redis.ts";
import { noRealRedis, RealRedis } from "../../support/real-redis.ts";
import { until } from "../../support/wait.ts";

let ours: TestBroker;
let real: RealRedis;

before(async () => {
  if (noRealRedis !== false) return;
  ours = await startTestBroker();
  real = await RealRedis.start();
});

after(async () => {
  if (noRealRedis !== false) return;
  await real.stop();
  await ours.stop();
});

const options = { skip: noRealRedis };

const group = ["XGROUP CREATE a g $ MKSTREAM", "XGROUP CREATE b g $ MKSTREAM"];
const groupRead = "XREADGROUP GROUP g c BLOCK 0 STREAMS a >";
const read = "XREAD BLOCK 0 STREAMS a $";

const cases: Record<string, BlockingCase> = {
  "an entry wakes all who read, and one of a group": {
    setup: group,
    waiting: [read, groupRead, read, groupRead.replace(" c ", " d "), "XREAD BLOCK 0 STREAMS b $"],
    acts: ["XADD a 1-1 f v"],
  },
  "of two streams the one that got entries first is read": {
    setup: group,
    waiting: ["XREAD BLOCK 0 STREAMS a b $ $", "XREADGROUP GROUP g c BLOCK 0 STREAMS a b > >"],
    acts: ["MULTI", "XADD b 1-1 f v", "XADD a 1-1 f v", "XADD b 1-2 f v", "EXEC"],
  },
  "the longest waiting of a group is first, also before one who comes in the same turn": {
    setup: group,
    waiting: [1, 2, 3].map((i) => groupRead.replace(" c ", ` c${i} `)),
    acts: [
      "XADD a 1-1 f v",
      "XADD a 1-2 f v",
      "XREADGROUP GROUP g late STREAMS a >",
      "XADD a 1-3 f v",
      "XPENDING a g - + 10",
    ],
  },
  "one who reads a whole transaction's entries leaves none": {
    setup: group,
    waiting: [groupRead, groupRead.replace(" c ", " d ")],
    acts: ["MULTI", "XADD a 1-1 f v", "XADD a 1-2 f v", "EXEC"],
  },
  "an entry that is deleted by the next command was there": {
    setup: ["XADD a 1-1 f v"],
    waiting: [read],
    acts: ["XADD a 1-2 f v", "XDEL a 1-2"],
  },
  "DEL of a stream": { setup: group, waiting: [groupRead, read], acts: ["DEL a", "XADD a 1-1 f v"] },
  "a stream that becomes a string": {
    setup: group,
    waiting: [groupRead, read],
    acts: ["SET a x", "DEL a", "XADD a 1-1 f v"],
  },
  FLUSHALL: { setup: group, waiting: [groupRead, read], acts: ["FLUSHALL"] },
  "XGROUP DESTROY": { setup: group, waiting: [groupRead, read], acts: ["XGROUP DESTROY a g"] },
  "a stream and its group made anew in one transaction": {
    setup: group,
    waiting: [groupRead],
    acts: ["MULTI", "DEL a", "XGROUP CREATE a g 0 MKSTREAM", "EXEC", "XADD a 1-1 f v"],
  },
  "the same with an entry at once": {
    setup: group,
    waiting: [groupRead],
    acts: ["MULTI", "DEL a", "XGROUP CREATE a g 0 MKSTREAM", "XADD a 1-1 f v", "EXEC"],
  },
  "a stream made anew without the group": {
    setup: group,
    waiting: [groupRead],
    acts: ["MULTI", "DEL a", "XADD a 1-1 f v", "EXEC"],
  },
  "a value of another type wakes nobody": {
    waiting: [read],
    acts: ["SET a x", "APPEND a y", "DEL a", "HSET a f v"],
  },
  "a stream that is named twice": {
    waiting: ["XREAD BLOCK 0 STREAMS a a $ 0"],
    acts: ["XADD a 1-1 f v"],
  },
  "an id that is to come": {
    waiting: ["XREAD BLOCK 0 STREAMS a 1-1", "XREAD BLOCK 0 COUNT 1 STREAMS a 0"],
    acts: ["XADD a 1-1 f v", "XADD a 1-2 f v"],
  },
};

for (const [name, each] of Object.entries(cases)) {
  test(name, options, async () => {
    assert.deepEqual(await replies(ours.ports.redis, each), await replies(real.port, each));
  });
}

const blockedCommands = ["XREAD BLOCK 0 STREAMS a $", "XREADGROUP GROUP g c BLOCK 0 STREAMS a >"];

test("commands that wait are shown as such, and do not wait in MULTI", options, async () => {
  const clientFlags: string[][] = [];
  for (const port of [ours.ports.redis, real.port]) {
    const admin = await RawRedis.open(port);
    await admin.call("FLUSHALL");
    await admin.call("XGROUP", "CREATE", "a", "g", "$", "MKSTREAM");
    const seen: string[] = [];
    for (const command of blockedCommands) {
      await admin.call("MULTI");
      await admin.call(...command.split(" "));
      seen.push(await admin.call("EXEC"));
      const redis = await RawRedis.open(port);
      const id = (await redis.call("CLIENT", "ID")).slice(1, -2);
      const reply = redis.call(...command.split(" ").map((word) => (word === "0" ? "100000" : word)));
      await until(
        async () => (await admin.call("INFO", "clients")).includes("blocked_clients:1\r\n"),
        command,
      );
      seen.push(/flags=\w+/.exec(await admin.call("CLIENT", "LIST", "ID", id))![0]);
      seen.push(/clients_in_timeout_table:\d+/.exec(await admin.call("INFO", "clients"))![0]);
      seen.push(await admin.call("CLIENT", "UNBLOCK", id, "error"), await reply);
      seen.push(/flags=\w+/.exec(await admin.call("CLIENT", "LIST", "ID", id))![0]);
      seen.push(/clients_in_timeout_table:\d+/.exec(await admin.call("INFO", "clients"))![0]);
      await redis.close();
    }
    await admin.close();
    clientFlags.push(seen);
  }
  assert.deepEqual(clientFlags[0], clientFlags[1]);
  assert.ok(clientFlags[0]!.includes("flags=b"));
});

// The model beside redis's lists

const pipeline = pipelines({ timeouts: ["0"], isForModelAlone: false });

/** The same for a list of characters. */
function asList([name, one, two, ...rest]: string[]): string[] {
  if (name === "APPEND") return ["RPUSH", one!].concat(two!.split(""));
  if (name === "BTMOVE") return ["BLMOVE", one!, two!, "LEFT", "RIGHT", ...rest];
  const words = [one, two, ...rest].filter((word) => word !== undefined);
  return [name === "BTPOP" ? "BLPOP" : name!].concat(words);
}

/** In MULTI redis answers BLMOVE, where there is nothing, with a null of its own; `replyEnd` takes either for one reply. */
const masked = (said: string): string => said.replaceAll("$-1\r\n", "*-1\r\n");
const clientCount = 4;

test("the model of random runs is redis's", options, async () => {
  let served = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(clientCount - 1), pipeline), { minLength: 20, maxLength: 40, size: "max" }),
      async (sends) => {
        const admin = await RawRedis.open(real.port);
        await admin.call("FLUSHALL");
        const model = new BlockingModel();
        const clients = Array.from({ length: clientCount }, () => new ModelClient());
        const redis: RawRedis[] = [];
        const heard = clients.map(() => "");
        for (let i = 0; i < clientCount; i++) redis.push(await RawRedis.open(real.port));
        for (const [number, sent] of sends) {
          const requests = number === 0 ? pushing(sent) : sent;
          model.send(clients[number]!, requests);
          model.settle();
          for (const reply of redis[number]!.pipeline(requests.map(asList)))
            void reply.then((said) => (heard[number] += said === "closed" ? "" : masked(said)));
          for (const [i, client] of clients.entries()) {
            const isSaid = (): boolean => heard[i]!.length >= client.said.length;
            if (!isSaid())
              await until(
                isSaid,
                `client ${i}: ${JSON.stringify(client.said)}, not ${JSON.stringify(heard[i])}`,
              );
          }
          await admin.call("PING");
          assert.deepEqual(
            heard,
            clients.map(({ said }) => said),
          );
        }
        served += model.served;
        for (const each of [admin, ...redis]) await each.close();
      },
    ),
    { numRuns: 30 },
  );
  assert.ok(served > 30, `${served} served`);
});
