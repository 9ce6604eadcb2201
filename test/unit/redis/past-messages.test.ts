/** What a subscriber of channels with a history gets of their past: where the history cannot be read, and where it goes before it has all. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { limits } from "../../../src/base/limits.ts";
import { LiveHistories } from "../../../src/broker/live/history/live-histories.ts";
import { PastMessages, type PastReader } from "../../../src/protocols/redis/pubsub/past-messages.ts";
import { type BareBroker, openBareBroker } from "../../support/bare-broker.ts";

let bare: BareBroker;

before(async () => {
  bare = await openBareBroker();
});

after(() => bare.close());

test("a subscriber whose catch-up fails is disconnected, once, and comes back to where it stood", async () => {
  const rule = { pattern: "news.*", windowMs: 60_000, messages: 10, bytes: 10_000, isDurable: true };
  const histories = LiveHistories.restore(bare.broker, [rule]);
  const bytes = Buffer.from("news.a1");
  for (let i = 0; i < 3; i++) histories.keep(bytes, 0, 6, bytes, 6, 7);
  const history = histories.historyOf("news.a")!;
  const { queue } = history;
  const read = queue.reader.bind(queue);
  let failures = 0;
  queue.reader = () => {
    failures++;
    throw new Error("the disk");
  };
  const did: string[] = [];
  const reader: PastReader = {
    user: "u",
    name: "n",
    unsentBytes: 0,
    tell: (channel) => did.push(`tell ${channel}`),
    goesLive: (channel) => did.push(`live ${channel}`),
    disconnect: () => did.push("disconnect"),
  };
  const past = new PastMessages(histories, reader, bare.broker.work);
  past.ask(new Map([["news.a", 0]]));
  assert.ok(past.subscribed("news.a"));
  past.begin();
  await bare.turnsUntil(() => did.length > 0);
  past.resume();
  past.closed();
  assert.deepEqual([did.splice(0), failures], [["disconnect"], 1]);
  queue.reader = read;
  const again = new PastMessages(histories, reader, bare.broker.work);
  assert.ok(again.subscribed("news.a"));
  again.begin();
  await bare.turnsUntil(() => did.includes("live news.a"));
  assert.deepEqual(did, ["tell news.a", "tell news.a", "tell news.a", "live news.a"]);
});

interface Heard {
  readonly did: string[];
  readonly past: PastMessages;
}

function listener(histories: LiveHistories, name: string): Heard {
  const did: string[] = [];
  const reader: PastReader = {
    user: "u",
    name,
    unsentBytes: 0,
    tell: (channel) => did.push(`tell ${channel}`),
    goesLive: (channel) => did.push(`live ${channel}`),
    disconnect: () => did.push("disconnect"),
  };
  return { did, past: new PastMessages(histories, reader, bare.broker.work) };
}

function withHistory(pattern: string): { histories: LiveHistories; keep: (channel: string) => void } {
  const rule = { pattern, windowMs: 60_000, messages: 1000, bytes: 100_000, isDurable: true };
  const histories = LiveHistories.restore(bare.broker, [rule]);
  const keep = (channel: string): void => {
    const bytes = Buffer.from(`${channel}1`);
    histories.keep(bytes, 0, channel.length, bytes, channel.length, bytes.length);
  };
  return { histories, keep };
}

/** What the journal has of the readers of a pattern. */
function stored(pattern: string): string[] {
  return Array.from(bare.broker.storage.definitions.entries("reader/"))
    .filter(([key]) => key.includes(pattern))
    .map(([, value]) => value.toString());
}

test("a connection that ends amid its SUBSCRIBE, or amid the walk, has used up nothing, through a kill neither", async () => {
  const { histories, keep } = withHistory("amid.*");
  const first = listener(histories, "n");
  assert.ok(!first.past.subscribed("amid.a"));
  first.past.closed();
  keep("amid.a");
  const atFirst = stored("amid.*");
  assert.equal(atFirst.length, 1);
  assert.match(atFirst[0]!, /"offset"/);
  // Its command has not got to `begin`.
  const cutOff = listener(histories, "n");
  assert.ok(cutOff.past.subscribed("amid.a"));
  keep("amid.a");
  assert.deepEqual(stored("amid.*"), atFirst, "a kill would lose what it has not been told");
  cutOff.past.closed();
  const again = listener(histories, "n");
  assert.ok(again.past.subscribed("amid.a"));
  assert.deepEqual(stored("amid.*"), atFirst);
  again.past.begin();
  await bare.turnsUntil(() => again.did.includes("live amid.a"));
  assert.deepEqual(again.did, ["tell amid.a", "tell amid.a", "live amid.a"]);
  assert.deepEqual(stored("amid.*"), ["{}"], "it has all");
  again.past.closed();
  const last = listener(histories, "n");
  assert.ok(last.past.subscribed("amid.a"));
  last.past.begin();
  await bare.turnsUntil(() => last.did.includes("live amid.a"));
  assert.deepEqual(last.did, ["live amid.a"]);
});

test("a reader that was forgotten while it was connected is remembered when it goes", () => {
  const { histories, keep } = withHistory("many.*");
  const first = listener(histories, "n");
  assert.ok(!first.past.subscribed("many.a"));
  const { readers } = histories;
  const history = histories.historyOf("many.a")!;
  for (let i = 0; i < limits.liveReadersMax; i++)
    readers.came(history, { user: "u", name: `other${i}` }, "many.b");
  assert.equal(readers.size, limits.liveReadersMax);
  // It has come a second time, which is the only one that is known.
  const second = listener(histories, "n");
  assert.ok(!second.past.subscribed("many.a"));
  first.past.closed();
  second.past.closed();
  keep("many.a");
  assert.ok(listener(histories, "n").past.subscribed("many.a"));
});

test("to ask for the past of too many channels asks for that of none", () => {
  const { histories } = withHistory("all.*");
  const { past } = listener(histories, "");
  const offsets = new Map(Array.from({ length: limits.pastChannelsMax - 1 }, (_, n) => [`all.${n}`, 0]));
  past.ask(offsets);
  const more = new Map([
    ["all.x", 0],
    ["all.y", 0],
  ]);
  assert.throws(() => past.ask(more), /subscribe first/);
  assert.equal(past.askedCount, offsets.size);
  more.delete("all.y");
  past.ask(more);
  assert.equal(past.askedCount, limits.pastChannelsMax);
});

/** A client whose output the test fills. */
class SlowReader implements PastReader {
  readonly user = "u";
  readonly name: string;
  unsentBytes = 0;
  /** After so many messages it has read nothing for too long. */
  fullAfter = Infinity;
  readonly told: string[] = [];

  constructor(name: string) {
    this.name = name;
  }

  tell(channel: string): void {
    this.told.push(channel);
    if (this.told.length >= this.fullAfter) this.unsentBytes = limits.outputHighWaterBytes + 1;
  }

  goesLive(channel: string): void {
    this.told.push(`live ${channel}`);
  }

  disconnect(): void {}
}

function subscribeAll(past: PastMessages, channels: readonly string[]): void {
  for (const channel of channels) past.subscribed(channel);
  past.begin();
}

test("what a connection leaves amid a walk is one map for all of its channels, and says what they had been told", () => {
  const { histories, keep } = withHistory("share.*");
  const channels = Array.from({ length: 5 }, (_, n) => `share.${n}`);
  for (const channel of channels) keep(channel);
  const client = new SlowReader("n");
  client.fullAfter = 3;
  const past = new PastMessages(histories, client, bare.broker.work);
  past.ask(new Map(channels.map((channel) => [channel, 0])));
  // It has asked for what is behind all that the walk has told: it has been told nothing.
  past.ask(new Map([[channels[4]!, 4]]));
  subscribeAll(past, channels);
  assert.deepEqual(client.told, channels.slice(0, 3));
  past.closed();
  const history = histories.historyOf(channels[0]!)!;
  const stands = channels.map((name) => histories.readers.came(history, client, name)!);
  for (const stand of stands.slice(0, 4)) assert.equal(stand.among, stands[0]!.among, "one map");
  assert.deepEqual(
    [...stands[0]!.among],
    channels.slice(0, 4).map((channel) => [channel, 0]),
  );
  assert.deepEqual(
    stands.map(({ offset, unsent }) => [offset, unsent > 0]),
    [
      [3, true],
      [3, true],
      [3, true],
      [3, true],
      [4, false],
    ],
  );
});

test("what had not left is not counted by messages that were published before their channel was listened to", async () => {
  const { histories, keep } = withHistory("since.*");
  const client = new SlowReader("n");
  const past = new PastMessages(histories, client, bare.broker.work);
  subscribeAll(past, ["since.a"]);
  for (const channel of ["since.a", "since.b", "since.a", "since.b"]) keep(channel);
  subscribeAll(past, ["since.b"]);
  keep("since.b");
  // All three messages that it was told of.
  client.unsentBytes = 3 * past.sizeOf("since.a".length, 1);
  past.closed();
  const again = new SlowReader("n");
  subscribeAll(new PastMessages(histories, again, bare.broker.work), ["since.a", "since.b"]);
  await bare.turnsUntil(() => again.told.includes("live since.b"));
  const { told } = again;
  assert.equal(told.filter((channel) => channel === "since.a").length, 2, told.join(" "));
  assert.equal(told.includes("since.b"), true);
});
