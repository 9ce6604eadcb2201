/**
 * `npm run soak [-- --minutes 30] [--runtime bun|node] [--kill-seconds 240]`: mixed load over the three protocols for as
 * long as you like, with a SIGKILL every few minutes.
 *
 * In each life of the broker the loads of test/kill run until it is killed; after the restart everything that clients
 * were told is verified, then all is deleted and the broker is started once more, so that every life begins alike. RSS is
 * compared within a life (its last third against its second) and between lives at equal ages (the last third of the
 * lives against the second). The load has a pace that does not depend on the machine, or memory would. Exit code 1 when
 * something was lost or came back, when RSS or descriptors grew, or when files are left over.
 */
import { parseArgs } from "node:util";
import { setTimeout as sleep } from "node:timers/promises";
import { runtimeNamed } from "../bench/base/programs.ts";
import { IdleConnections } from "../bench/base/idle-connections.ts";
import { startTestBroker, type TestBroker } from "../test/support/broker.ts";
import { greetings } from "./base/greetings.ts";
import { megabytes } from "./base/scenario.ts";
import { table } from "./base/table.ts";
import { within } from "./base/waiting.ts";
import { Lives } from "./soak/lives.ts";
import { deleteAll, filesOf } from "./soak/clean-up.ts";
import { MixedLoad } from "./soak/mixed-load.ts";

const sampleMs = 5000;
const connectionsChurned = 50;
/** Small, so that segments are written in each life. */
const journalBytesMax = "16MiB";
const waitMsMax = 180_000;
/** A life's load is millions of messages, which are read back one by one. */
const verifyMsMax = 900_000;
/** Lives differ in length, so that kills do not always meet the same moment of a timer. */
const lifeShareLeast = 0.8;
const lifeShareRange = 0.4;

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "30" },
    runtime: { type: "string", default: "bun" },
    "kill-seconds": { type: "string", default: "240" },
  },
});
const minutes = Number(values.minutes);
const lifeMs = Number(values["kill-seconds"]) * 1000;
if (!(minutes > 0 && lifeMs >= sampleMs * 2)) {
  process.stderr.write("give --minutes above 0 and --kill-seconds of at least 10\n");
  process.exit(2);
}
process.env["TROIKAMQ_TEST_RUNTIME"] = runtimeNamed(values.runtime);
const say = (line: string): void => void process.stdout.write(`${line}\n`);
// The kill ends calls of clients that nobody waits for any more; what counts is verified after it.
process.on("unhandledRejection", () => {});

const lives = new Lives();
const wrong: string[] = [];

/** Connections that come, are answered and go, besides those of the loads that stay for the whole life. */
async function churn({ ports }: TestBroker): Promise<void> {
  for (const protocol of ["redis", "amqp", "kafka"] as const) {
    const connections = await IdleConnections.open(ports[protocol], connectionsChurned, greetings[protocol]);
    await connections.expectAllAlive();
    connections.close();
  }
}

/** Samples until its time is over, then kills it amid the load. */
async function live(broker: TestBroker, load: MixedLoad): Promise<void> {
  const endsMs = performance.now() + lifeMs * (lifeShareLeast + Math.random() * lifeShareRange);
  load.start(broker.ports);
  for (let left = endsMs - performance.now(); left > 0; left = endsMs - performance.now()) {
    const isWhole = left >= sampleMs;
    if (isWhole) await churn(broker);
    const leftNow = endsMs - performance.now();
    await sleep(Math.min(sampleMs, Math.max(0, leftNow)));
    if (isWhole) lives.sample(broker.pid);
  }
  await broker.kill("SIGKILL");
  await within("the loads to end", load.stop(), waitMsMax);
}

async function soak(broker: TestBroker): Promise<void> {
  const endsMs = performance.now() + minutes * 60_000;
  while (performance.now() < endsMs && wrong.length === 0) {
    const load = new MixedLoad();
    lives.begin(broker.pid);
    await live(broker, load);
    await within("the restart after a kill", broker.restart(), waitMsMax);
    wrong.push(...(await within("everything to be verified", load.verify(broker.ports), verifyMsMax)));
    const filesFull = filesOf(broker.dataDir);
    await within("everything to be deleted", deleteAll(broker.ports), waitMsMax);
    await within("the restart over what is left", broker.restart(), waitMsMax);
    lives.end(load.told, filesFull, filesOf(broker.dataDir));
    say(lives.lastLine());
  }
}

say(`soak on ${values.runtime}, ${minutes} minutes, killed every ${values["kill-seconds"]} s or so`);
const broker = await startTestBroker({
  args: ["--log-level", "error", "--journal-bytes-max", journalBytesMax],
});
try {
  await soak(broker);
} catch (error) {
  wrong.push(String((error as Error).stack));
}
await broker.stop().catch((error: Error) => wrong.push(`the broker did not end well: ${error.message}`));
const { rows, breaches } = lives.summary();
wrong.push(...breaches);
say("");
for (const line of table(["soak", `on ${values.runtime}`, "seen", "bound"], rows)) say(line);
say("");
for (const each of wrong) say(`WRONG: ${each}`);
say(wrong.length === 0 ? `held; this process took ${megabytes(process.memoryUsage().rss)}` : "failed");
process.exit(wrong.length === 0 ? 0 : 1);
