/**
 * Faults while clients work: killed, stopped, a full disk, a directory that takes no files. Clients may wait or reconnect;
 * nothing that they were told may be lost or come back.
 */
import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AmqpLoad } from "../test/kill/amqp-load.ts";
import { KafkaLoad } from "../test/kill/kafka-load.ts";
import type { Load } from "../test/kill/load.ts";
import { RedisLoad } from "../test/kill/redis-load.ts";
import { killRounds, within } from "../test/kill/rounds.ts";
import { RawRedis } from "../test/support/raw-redis.ts";
import { startTestBroker, TestBroker } from "../test/support/broker.ts";
import { FakeClock } from "./fake-clock.ts";
import { canRun, system, troikamqCheck } from "./command.ts";
import { fill, lossOf, read } from "./dataset.ts";
import type { Case, Outcome } from "./report.ts";

const args = ["--journal-bytes-max", "1MiB"];
const warmUpMs = 1500;
const unreadyMsMax = 60_000;

export function liveCases(scratch: string, rounds: number, stopMs: number, seed: number): Case[] {
  const clock = FakeClock.find(scratch);
  const noMount = canRun("mount") ? undefined : "needs root and mount";
  return [
    { name: "SIGKILL", run: () => killed(rounds, seed) },
    { name: "SIGSTOP", run: () => stopped(stopMs) },
    { name: "full disk", skip: noMount, run: () => fullDisk(path.join(scratch, "full")) },
    { name: "read-only at start", skip: noMount, run: () => readOnlyStart(path.join(scratch, "read-only")) },
    {
      name: "no new files while running",
      skip: canRun("chattr") ? undefined : "needs root and chattr",
      run: () => noNewFiles(path.join(scratch, "immutable")),
    },
    {
      name: "a clock that jumps",
      skip:
        clock === undefined ? "no libfaketime, and apt gives none; the simulator's clock jumps" : undefined,
      run: () => jumpingClock(clock!),
    },
  ];
}

async function killed(rounds: number, seed: number): Promise<Outcome> {
  const broker = await startTestBroker({ args });
  const wrong = await killRounds({ broker, rounds, seed });
  await broker.stop();
  return {
    done: `${rounds} times under mixed load, seed ${seed}`,
    broker: "started each time",
    check: "ok each time",
    wrong,
  };
}

/** Load of all protocols against one broker, again and again connected, until it is told to end. */
class Loads {
  readonly #loads: Load[] = [new AmqpLoad(), new RedisLoad(), new KafkaLoad()];
  readonly #running: Promise<void>[];
  #isEnding = false;
  reconnects = 0;

  constructor(broker: TestBroker) {
    this.#running = this.#loads.map(async (load) => {
      for (let runs = 0; !this.#isEnding; runs++) {
        if (runs > 0) {
          this.reconnects++;
          await sleep(100);
        }
        await load.run(broker.ports);
      }
    });
  }

  get told(): number {
    return this.#loads.flatMap(({ told }) => Object.values(told)).reduce((sum, value) => sum + value, 0);
  }

  /** Ends the load and returns what contradicts what the clients were told. */
  async verify(broker: TestBroker): Promise<string[]> {
    this.#isEnding = true;
    for (const load of this.#loads) load.stop();
    for (const [i, load] of this.#loads.entries()) await within(`${load.name} to end`, this.#running[i]!);
    const faults: string[] = [];
    for (const load of this.#loads)
      faults.push(...(await within(`${load.name} to verify`, load.verify(broker.ports))));
    return faults;
  }
}

async function stopped(ms: number): Promise<Outcome> {
  const broker = await startTestBroker({ args });
  const loads = new Loads(broker);
  await sleep(warmUpMs);
  process.kill(broker.pid, "SIGSTOP");
  await sleep(ms);
  process.kill(broker.pid, "SIGCONT");
  const before = loads.told;
  await sleep(warmUpMs);
  const wrong: string[] = [];
  if (loads.told <= before) wrong.push("nothing went on after SIGCONT");
  wrong.push(...(await loads.verify(broker)));
  await broker.stop();
  return {
    done: `for ${ms / 1000} s under mixed load, then SIGCONT`,
    broker: `goes on; ${loads.reconnects} clients reconnected`,
    check: "ok",
    wrong,
  };
}

/** A day ahead, back, half an hour behind (Kafka refuses records from more than an hour ahead), a kill there, and back. */
async function jumpingClock(clock: FakeClock): Promise<Outcome> {
  const broker = await startTestBroker({ args, env: clock.environment });
  const loads = new Loads(broker);
  const wrong: string[] = [];
  const shown: string[] = [];
  const jump = async (offset: string): Promise<void> => {
    clock.set(offset);
    const before = loads.told;
    await sleep(warmUpMs * 2);
    if (loads.told <= before) wrong.push(`nothing went on at ${offset}`);
    shown.push(`${offset}: ${Math.round((await clockOf(broker)) / 60_000)} min`);
  };
  await sleep(warmUpMs);
  for (const offset of ["+1d", "+0", "-30m"]) await jump(offset);
  await broker.kill();
  await broker.restart();
  await jump("-29m");
  await jump("+0");
  wrong.push(...(await loads.verify(broker)));
  await broker.stop();
  return {
    done: "+1 day, back, -30 min, SIGKILL, back, under mixed load",
    broker: `its clock ahead of ours: ${shown.join(", ")}`,
    check: "ok",
    wrong,
  };
}

/** How far the broker's clock is ahead of ours, ms. */
async function clockOf(broker: TestBroker): Promise<number> {
  const client = await RawRedis.open(broker.ports.redis);
  const seconds = /\$\d+\r\n(\d+)/.exec(await client.call("time"))?.[1];
  await client.close();
  return Number(seconds) * 1000 - Date.now();
}

async function readiness(broker: TestBroker): Promise<{ isReady: boolean; text: string }> {
  try {
    const reply = await fetch(`http://127.0.0.1:${broker.ports.http}/readyz`);
    return { isReady: reply.status === 200, text: (await reply.text()).trim() };
  } catch (error) {
    return { isReady: false, text: String(error) };
  }
}

async function waitUntil(broker: TestBroker, isReady: boolean): Promise<string> {
  for (let waited = 0; waited < unreadyMsMax; waited += 100) {
    const now = await readiness(broker);
    if (now.isReady === isReady) return now.text;
    await sleep(100);
  }
  throw new Error(`/readyz did not become ${isReady ? "ready" : "unready"} in ${unreadyMsMax} ms`);
}

async function fullDisk(mount: string): Promise<Outcome> {
  fs.mkdirSync(mount, { recursive: true });
  system("mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", mount);
  try {
    const ballast = path.join(mount, "ballast");
    fs.writeFileSync(ballast, Buffer.alloc(48 << 20));
    const broker = new TestBroker({ dataDir: path.join(mount, "data"), args });
    await broker.start();
    const loads = new Loads(broker);
    const said = await waitUntil(broker, false);
    const wrong = await notServed(broker, "while publishers have filled it");
    // Others take what is left, to the last byte.
    while (fillUp(ballast)) await sleep(10);
    wrong.push(...(await notServed(broker, "while others fill it to the last byte")));
    await sleep(warmUpMs);
    fs.rmSync(ballast);
    await waitUntil(broker, true);
    const before = loads.told;
    await sleep(warmUpMs);
    if (loads.told <= before) wrong.push("nothing went on after space was there again");
    wrong.push(...(await loads.verify(broker)));
    await broker.stop();
    return {
      done: "16 MiB filled under mixed load, the rest by another program, then 48 MiB freed",
      broker: `/readyz: ${said}; connects, reads and deletes meanwhile; goes on by itself`,
      check: "ok",
      wrong,
    };
  } finally {
    system("umount", "-l", mount);
  }
}

/** Adds to the file until the disk takes no more; false when it takes nothing. */
function fillUp(file: string): boolean {
  const piece = Buffer.alloc(1 << 16, "b");
  const descriptor = fs.openSync(file, "a");
  let written = 0;
  try {
    for (;;) written += fs.writeSync(descriptor, piece);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
    return written > 0;
  } finally {
    fs.closeSync(descriptor);
  }
}

const answerMsMax = 5000;

/** What a client must be able to do on a full disk; returns what it could not. */
async function notServed(broker: TestBroker, when: string): Promise<string[]> {
  const wrong: string[] = [];
  const late = new Promise<string>((resolve) => void sleep(answerMsMax).then(() => resolve("no answer")));
  const client = await RawRedis.open(broker.ports.redis);
  for (const [words, wanted] of [
    [["PING"], /^\+PONG/],
    [["GET", "none"], /^\$-1/],
    [["XRANGE", "none", "-", "+"], /^\*0/],
    [["DEL", "none"], /^:0/],
    [["SET", "none", "x"], /^-MISCONF the disk of/],
  ] as const) {
    const reply = await Promise.race([client.call(...words), late]);
    if (!wanted.test(reply)) wrong.push(`${words[0]} ${when}: ${reply.trim()}`);
  }
  await client.close();
  return wrong;
}

async function readOnlyStart(mount: string): Promise<Outcome> {
  fs.mkdirSync(mount, { recursive: true });
  system("mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", mount);
  const dataDir = path.join(mount, "data");
  const wrong: string[] = [];
  try {
    const first = new TestBroker({ dataDir, args });
    await first.start();
    await fill(first.ports);
    await first.kill("SIGTERM");
    system("mount", "-o", "remount,ro", mount);
    const second = new TestBroker({ dataDir, args });
    await second.start().then(
      () => wrong.push("it started"),
      () => {},
    );
    const said = second.log.trim();
    if (said.split("\n").length > 1 || !said.startsWith("troikamq: "))
      wrong.push("the refusal is a stack, not a line");
    const checked = troikamqCheck(dataDir);
    if (checked.lines.length > 1) wrong.push("check ends in a stack, not a line");
    system("mount", "-o", "remount,rw", mount);
    const third = new TestBroker({ dataDir, args });
    await third.start();
    const result = await read(third.ports);
    wrong.push(...result.wrong, ...lossOf(result));
    await third.kill("SIGTERM");
    const check = checked.lines.at(-1)!.replaceAll(dataDir, ".");
    return {
      done: "remounted read-only, and back",
      broker: `refused: ${said.split("\n").at(-1)!.replaceAll(dataDir, ".").slice(0, 200)}`,
      check,
      wrong,
    };
  } finally {
    system("umount", "-l", mount);
  }
}

async function noNewFiles(dataDir: string): Promise<Outcome> {
  const broker = new TestBroker({ dataDir, args });
  await broker.start();
  const loads = new Loads(broker);
  await sleep(warmUpMs);
  const journal = path.join(dataDir, "journal");
  const segments = path.join(dataDir, "segments");
  let said = "";
  system("chattr", "+i", journal, segments);
  try {
    said = await waitUntil(broker, false);
    await sleep(warmUpMs);
  } finally {
    system("chattr", "-i", journal, segments);
  }
  await waitUntil(broker, true);
  const before = loads.told;
  await sleep(warmUpMs);
  const wrong: string[] = [];
  if (loads.told <= before) wrong.push("nothing went on when files could be made again");
  wrong.push(...(await loads.verify(broker)));
  await broker.stop();
  fs.rmSync(dataDir, { recursive: true, force: true });
  return {
    done: "chattr +i on journal/ and segments/ under mixed load, and back",
    broker: `/readyz: ${said}; goes on by itself`,
    check: "ok",
    wrong,
  };
}
