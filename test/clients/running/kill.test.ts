import assert from "node:assert/strict";
import { test } from "node:test";
import { AmqpLoad } from "../../kill/amqp-load.ts";
import { KafkaLoad } from "../../kill/kafka-load.ts";
import { RedisLoad } from "../../kill/redis-load.ts";
import { killRounds } from "../../kill/rounds.ts";
import { startTestBroker } from "../../support/broker.ts";

const seed = Number(process.env["TROIKAMQ_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
const rounds = 6;

test("loads that came to nothing verify an empty broker, and leave nothing open", async () => {
  const broker = await startTestBroker({ dataDir: "memory" });
  const faults: string[] = [];
  for (const load of [new AmqpLoad(), new RedisLoad(), new KafkaLoad()])
    faults.push(...(await load.verify(broker.ports)));
  await broker.stop();
  assert.deepEqual(faults, []);
});

test(`SIGKILL ${rounds} times under mixed load loses nothing that was confirmed (seed ${seed})`, async () => {
  const broker = await startTestBroker({ args: ["--journal-bytes-max", "1MiB"] });
  let told = "";
  const faults = await killRounds({ broker, rounds, seed, onRound: (_round, text) => (told = text) });
  await broker.stop();
  assert.deepEqual(faults, [], `TROIKAMQ_TEST_SEED=${seed}; told: ${told}`);
});
