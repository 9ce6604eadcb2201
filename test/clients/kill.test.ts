import assert from "node:assert/strict";
import { test } from "node:test";
import { killRounds } from "../kill/rounds.ts";
import { startTestBroker } from "../support/broker.ts";

const seed = Number(process.env["TROIKAMQ_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
const rounds = 6;

test(`SIGKILL ${rounds} times under mixed load loses nothing that was confirmed (seed ${seed})`, async () => {
  const broker = await startTestBroker({ args: ["--journal-bytes-max", "1MiB"] });
  let told = "";
  const faults = await killRounds({ broker, rounds, seed, onRound: (_round, text) => (told = text) });
  await broker.stop();
  assert.deepEqual(faults, [], `TROIKAMQ_TEST_SEED=${seed}; told: ${told}`);
});
