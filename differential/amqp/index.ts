/**
 * `npm run differential -- [--seed S] [--runs N] [--steps N] [--minutes M]`: random AMQP on TroikaMQ and on a real
 * RabbitMQ, step by step, until they answer differently. A difference prints the seed and all steps that led to it.
 */
import { startRabbitmq, rabbitmqMissing } from "../../bench/servers/rabbitmq.ts";
import { startTroikaMQ } from "../../bench/servers/troikamq.ts";
import { seededRandom } from "../random.ts";
import { handshakes, isSameShake, shake } from "./handshakes.ts";
import { Pool, type Profile } from "./pool.ts";
import { type Outstanding, Side } from "./side.ts";
import { Steps } from "./steps.ts";

export interface AmqpOptions {
  readonly plan: readonly PlannedRun[];
  readonly steps: number;
  readonly minutes: number;
  readonly isVerbose: boolean;
}

export interface PlannedRun {
  readonly seed: number;
  /** What it is about; drawn from the seed, if absent. */
  readonly profile?: Profile | undefined;
}

const pollMs = 3;
/** Both said the same: what else was on its way has come after this. */
const settleMs = 9;
const differentMsMax = 700;
const quorumMs = 25;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Null: both say the same. */
async function differenceOf(ours: Side, theirs: Side): Promise<string | null> {
  const end = performance.now() + differentMsMax;
  let sameSince = -1;
  for (;;) {
    await pause(pollMs);
    const isSame = ours.isQuiet && theirs.isQuiet && ours.view() === theirs.view();
    const now = performance.now();
    if (!isSame) sameSince = -1;
    else if (sameSince < 0) sameSince = now;
    else if (now - sameSince >= settleMs) return null;
    if (now > end) return isSame ? null : differing(ours, theirs);
  }
}

function differing(ours: Side, theirs: Side): string {
  const names = new Set([...ours.lines.keys(), ...theirs.lines.keys()]);
  const found: string[] = [];
  for (const name of names) {
    const isOrdered = name.startsWith("channel");
    const [a, b] = [ours, theirs].map((side) => {
      const texts = side.lines.get(name) ?? [];
      return isOrdered ? texts : texts.toSorted();
    }) as [string[], string[]];
    if (a.join("\n") === b.join("\n")) continue;
    let at = 0;
    while (a[at] === b[at]) at++;
    found.push(
      `${name}\n    ours:   ${a.slice(at, at + 3).join(" | ") || "nothing"}\n    theirs: ${b.slice(at, at + 3).join(" | ") || "nothing"}`,
    );
  }
  return found.join("\n  ") || "one of them owes an answer";
}

/** Deliveries that both servers wait for, and only once. */
function knownToBoth(ours: Side, theirs: Side): Outstanding[] {
  const count = (side: Side, { queue, body, connection, channel }: Outstanding): number =>
    side.outstanding.filter(
      (each) =>
        each.queue === queue &&
        each.body === body &&
        each.connection === connection &&
        each.channel === channel,
    ).length;
  return ours.outstanding.filter((each) => count(ours, each) === 1 && count(theirs, each) === 1);
}

async function run(
  { seed, profile }: PlannedRun,
  options: AmqpOptions,
  ports: readonly [number, number],
): Promise<string | null> {
  const [ours, theirs] = [new Side("ours", ports[0]), new Side("theirs", ports[1])];
  const pool = new Pool(seededRandom(seed), `d${seed}.`, profile);
  const steps = new Steps(pool);
  for (const side of [ours, theirs]) side.profile = pool.profile;
  steps.startWith(ours);
  const said: string[] = [];
  let closings = 0;
  try {
    for (let at = 0; at < options.steps; at++) {
      const step = steps.next(knownToBoth(ours, theirs));
      said.push(step.text);
      if (options.isVerbose) console.log(step.text);
      await Promise.all([ours, theirs].map((side) => step.run(side)));
      // A quorum queue does what is settled some time later.
      if (pool.profile === "quorum") await pause(quorumMs);
      await Promise.all([ours, theirs].map((side) => side.sync(step.place)));
      const difference = await differenceOf(ours, theirs);
      // What else RabbitMQ has done of a burst by the time that its channel is closed is left to chance.
      if (step.isBurst === true && ours.closings > closings && theirs.closings > closings) return null;
      if (difference !== null)
        return `seed ${seed}, ${pool.profile}, step ${at}\n${said.join("\n")}\n  ${difference}`;
      for (const side of [ours, theirs]) side.endStep();
      closings = Math.max(ours.closings, theirs.closings);
    }
    return await drained(ours, theirs, `d${seed}.`, said);
  } finally {
    ours.destroy();
    theirs.destroy();
  }
}

/** What is left in the queues comes in the same order. */
async function drained(ours: Side, theirs: Side, prefix: string, said: string[]): Promise<string | null> {
  for (const side of [ours, theirs]) for (const connection of [0, 1, 2]) side.closeConnection(connection);
  await pause(50);
  const place = { connection: 0, channel: 3 };
  const passive = {
    passive: true,
    durable: true,
    exclusive: false,
    autoDelete: false,
    noWait: false,
    arguments: [],
  };
  for (const name of ["q1", "q2", "q3", "qü"]) {
    const queue = prefix + name;
    for (const side of [ours, theirs])
      await side.call(place, "queue.declare", { ticket: 0, queue, ...passive });
    const difference = await differenceOf(ours, theirs);
    if (difference !== null) return `${said.join("\n")}\n  at the end: ${difference}`;
    for (let left = 50; left > 0; left--) {
      for (const side of [ours, theirs])
        await side.call(place, "basic.get", { ticket: 0, queue, noAck: true });
      const between = await differenceOf(ours, theirs);
      if (between !== null) return `${said.join("\n")}\n  at the end: ${between}`;
      if (/get-empty|404/.test(ours.lines.get("channel 0/3")!.at(-1)!)) break;
    }
    for (const side of [ours, theirs]) {
      const values = { ticket: 0, queue, ifUnused: false, ifEmpty: false, noWait: false };
      await side.call(place, "queue.delete", values);
    }
    const after = await differenceOf(ours, theirs);
    if (after !== null) return `${said.join("\n")}\n  at the end: ${after}`;
  }
  for (const name of ["x1", "x2", "x3"]) {
    for (const side of [ours, theirs])
      await side.call(place, "exchange.delete", {
        ticket: 0,
        exchange: prefix + name,
        ifUnused: false,
        noWait: false,
      });
    await differenceOf(ours, theirs);
  }
  return null;
}

async function compareHandshakes(ports: readonly [number, number]): Promise<number> {
  const found = await Promise.all(
    Object.entries(handshakes).map(async ([what, handshake]) => {
      const [ours = "", theirs = ""] = await Promise.all(ports.map((port) => shake(port, handshake)));
      return isSameShake(ours, theirs)
        ? null
        : `DIFFERENT handshake: ${what}\n  ours: ${ours}\n  theirs: ${theirs}\n`;
    }),
  );
  const differences = found.filter((text) => text !== null);
  for (const text of differences) console.log(text);
  return differences.length;
}

/** Those of Debian's package that have exchange types whose routing is not left to chance. */
const peerPlugins = [
  "rabbitmq_consistent_hash_exchange",
  "rabbitmq_recent_history_exchange",
  "rabbitmq_sharding",
];

/** The number of differences; -1 where there is no RabbitMQ to compare with. */
export async function compareAmqp(options: AmqpOptions): Promise<number> {
  const missing = rabbitmqMissing();
  if (missing !== undefined) {
    console.log(`amqp: skipped: ${missing}`);
    return -1;
  }
  const [ours, theirs] = await Promise.all([
    startTroikaMQ({ durability: "none" }, { isOnAnyCore: true }),
    startRabbitmq({ durability: "none", peerPlugins }),
  ]);
  const end = Date.now() + options.minutes * 60_000;
  let differences = 0;
  let runs = 0;
  try {
    differences += await compareHandshakes([ours.ports.amqp!, theirs.ports.amqp!]);
    for (const planned of options.plan) {
      if (Date.now() > end) break;
      runs++;
      const difference = await run(planned, options, [ours.ports.amqp!, theirs.ports.amqp!]);
      if (difference === null) continue;
      differences++;
      console.log(`DIFFERENT ${difference}\n`);
    }
  } finally {
    await Promise.all([ours.stop(), theirs.stop()]);
  }
  console.log(
    `amqp: ${runs} runs of ${options.steps} steps beside ${theirs.name}, ${differences} differences`,
  );
  return differences;
}
