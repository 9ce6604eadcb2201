/**
 * Runs the attacks of this folder, each against a broker of its own, beside a client that only asks for signs of life.
 *
 * An attack fails when another client waited for longer than `--wait-ms`, when the broker's memory grew above the
 * attack's bound, or when it did not end. Not here: what an attack does (one file each; attack.ts says how to add one), and
 * how waits are measured (probe.ts). Invariant: whatever happens, the broker, the prober and all clients are ended.
 */
import { type ChildProcess, fork } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";
import { RawClient } from "../../test/support/amqp-raw.ts";
import { startTestBroker, type TestBroker } from "../../test/support/broker.ts";
import { KafkaWireClient } from "../../test/support/kafka-wire-client.ts";
import { RawRedis } from "../../test/support/raw-redis.ts";
import type { Case, Outcome } from "../report.ts";
import type { Attack, AttackContext } from "./attack.ts";
import type { Measured } from "./probe.ts";

const harness: ReadonlySet<string> = new Set(["attack.ts", "index.ts", "probe.ts"]);
/** How long the prober is alone with the broker: what the machine itself makes it wait. */
const quietMs = 500;
const settleMs = 5000;
const watchMs = 100;
const attackMsMax = 60_000;
const rssBytesMaxUsual = 2 ** 30;
/** A broker that needs more is ended, for the machine's sake. */
const rssBytesEnd = 2 * 2 ** 30;
const answerCharsShown = 120;

export async function stallCases(waitMs: number): Promise<Case[]> {
  const cases: Case[] = [];
  for (const file of fs.readdirSync(import.meta.dirname).toSorted()) {
    if (!file.endsWith(".ts") || harness.has(file)) continue;
    const url = pathToFileURL(path.join(import.meta.dirname, file)).href;
    const exported = ((await import(url)) as { default: Attack | readonly Attack[] }).default;
    for (const attack of [exported].flat()) {
      cases.push({ name: `stalls: ${attack.name}`, run: () => run(attack, waitMs) });
    }
  }
  return cases;
}

class Prober {
  readonly #child: ChildProcess;

  constructor({ ports, pid }: TestBroker) {
    const args = [ports.redis, ports.kafka, pid].map(String);
    this.#child = fork(path.join(import.meta.dirname, "probe.ts"), args);
  }

  begin(): void {
    this.#child.send("begin");
  }

  measured(): Promise<Measured> {
    return new Promise((resolve, reject) => {
      const ended = (): void => reject(new Error("the prober ended"));
      this.#child.once("exit", ended);
      this.#child.once("message", (message) => {
        this.#child.off("exit", ended);
        resolve(message as Measured);
      });
      this.#child.send("end");
    });
  }

  close(): void {
    this.#child.disconnect();
  }
}

async function run(attack: Attack, waitMs: number): Promise<Outcome> {
  const broker = await startTestBroker({ args: attack.args ?? [] });
  const closers: (() => unknown)[] = [];
  const opened = async <Client>(opening: Promise<Client>, close: (client: Client) => unknown) => {
    const client = await opening;
    closers.push(() => close(client));
    return client;
  };
  const context: AttackContext = {
    broker,
    redis: () => opened(RawRedis.open(broker.ports.redis), (client) => client.close()),
    amqp: () => opened(RawClient.ready(broker.amqpUrl), (client) => client.destroy()),
    kafka: () => opened(KafkaWireClient.connect(broker.ports.kafka), (client) => client.close()),
    atEnd: (close) => void closers.push(close),
  };
  const wrong: string[] = [];
  const prober = new Prober(broker);
  try {
    await attack.prepare?.(context);
    prober.begin();
    await sleep(quietMs);
    const quiet = await prober.measured();
    prober.begin();
    const answer = await answered(attack, context, prober, wrong);
    const measured = await prober.measured();
    const longest = Math.max(measured.redisWaitMsMax, measured.kafkaWaitMsMax);
    if (longest > Math.max(waitMs, attack.waitMsMax ?? 0))
      wrong.push(`another client waited for ${Math.round(longest)} ms`);
    const rssBytesMax = attack.rssBytesMax ?? rssBytesMaxUsual;
    if (measured.rssBytesMax > rssBytesMax)
      wrong.push(`${mib(measured.rssBytesMax)} of RSS, above ${mib(rssBytesMax)}`);
    await closeAll(closers);
    await sleep(settleMs);
    const after = await prober.measured();
    return {
      done:
        `${attack.what}: longest wait ${Math.round(measured.redisWaitMsMax)} ms (Kafka ${Math.round(measured.kafkaWaitMsMax)} ms; ` +
        `before ${Math.round(Math.max(quiet.redisWaitMsMax, quiet.kafkaWaitMsMax))} ms), RSS ${mib(quiet.rssBytes)} before, ` +
        `${mib(measured.rssBytesMax)} at most, ${mib(after.rssBytes)} 5 s later`,
      broker: shown(answer),
      wrong,
    };
  } finally {
    await closeAll(closers);
    prober.close();
    // A broker that does not turn any more does not end by itself either.
    if (wrong.length === 0) await broker.stop();
    else {
      await broker.kill("SIGKILL");
      fs.rmSync(broker.dataDir, { recursive: true, force: true });
    }
  }
}

/** What the attacker was answered, or why it was ended. */
async function answered(
  attack: Attack,
  context: AttackContext,
  prober: Prober,
  wrong: string[],
): Promise<string> {
  let answer: string | undefined;
  const running = attack.attack(context).then(
    (text) => (answer = text),
    (error: unknown) => {
      wrong.push(`the attack itself failed: ${String(error)}`);
      answer = "nothing";
    },
  );
  for (let waited = 0; waited < attackMsMax; waited += watchMs) {
    await Promise.race([running, sleep(watchMs)]);
    if (answer !== undefined) return answer;
    const { rssBytes } = await prober.measured();
    if (rssBytes <= rssBytesEnd) continue;
    wrong.push(`ended at ${mib(rssBytes)} of RSS`);
    return "nothing";
  }
  wrong.push(`it did not end within ${attackMsMax / 1000} s`);
  return "nothing";
}

async function closeAll(closers: (() => unknown)[]): Promise<void> {
  for (const close of closers.splice(0)) await close();
}

function mib(bytes: number): string {
  return bytes === 0 ? "?" : `${Math.round(bytes / 2 ** 20)} MiB`;
}

function shown(answer: string): string {
  const line = answer.trim().replaceAll(/\s+/g, " ");
  return line.length <= answerCharsShown
    ? line
    : `${line.slice(0, answerCharsShown)}… (${answer.length} characters)`;
}
