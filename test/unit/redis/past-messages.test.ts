/** What a subscriber of channels with a history gets of their past, where the history cannot be read. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
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
  past.ask("news.a", 0);
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
