/**
 * A command that waits for keys which a long one has claimed: when it runs, everything is asked again that is asked of a command that
 * has just come. And what a client said of it before still holds.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RedisClient, type RedisReply } from "../../../sim/clients/redis-client.ts";
import { DurableRig } from "../../support/durable-rig.ts";

const turnBounds = { turnWorkUnits: 100, turnWorkSliceUnits: 100 };

class Asking {
  readonly #rig: DurableRig;
  readonly #client: RedisClient;
  readonly replies: RedisReply[] = [];

  constructor(rig: DurableRig) {
    this.#rig = rig;
    this.#client = new RedisClient(rig.connect("redis"));
  }

  send(...words: readonly (string | number)[]): void {
    this.#client.call(words, (reply) => this.replies.push(reply));
  }

  async ask(...words: readonly (string | number)[]): Promise<RedisReply> {
    const { length } = this.replies;
    this.send(...words);
    await this.#rig.until(() => this.replies.length > length, words.join(" "));
    return this.replies.at(-1)!;
  }
}

/** A set `big`, and a client whose SUNIONSTORE to `big2` takes many turns. */
async function prepared(): Promise<{ rig: DurableRig; long: Asking; other: Asking; admin: Asking }> {
  const rig = await DurableRig.open(1, { turnBounds });
  const [long, other, admin] = [new Asking(rig), new Asking(rig), new Asking(rig)];
  const members = Array.from({ length: 4000 }, (_, i) => `member${i}`);
  await admin.ask("SADD", "big", ...members);
  long.send("SUNIONSTORE", "big2", "big");
  await admin.ask("PING");
  assert.equal(long.replies.length, 0, "it is long");
  return { rig, long, other, admin };
}

test("clients are paused while a write waits: it waits for that too", async () => {
  const { rig, long, other, admin } = await prepared();
  other.send("SADD", "big", "new");
  await admin.ask("CLIENT", "PAUSE", 100_000, "WRITE");
  await rig.until(() => long.replies.length === 1, "the long one");
  await admin.ask("PING");
  assert.equal(other.replies.length, 0, "it ran while clients were paused");
  await admin.ask("CLIENT", "UNPAUSE");
  await rig.until(() => other.replies.length === 1, "the write");
  assert.deepEqual(other.replies, [1]);
});

test("EXEC that is refused after it has waited ends its transaction", async () => {
  const { rig, other, admin } = await prepared();
  await admin.ask("ACL", "SETUSER", "ann", "on", "nopass", "~*", "+@all");
  await other.ask("AUTH", "ann", "x");
  await other.ask("MULTI");
  await other.ask("SADD", "big", "new");
  const { length } = other.replies;
  other.send("EXEC");
  await admin.ask("ACL", "SETUSER", "ann", "-exec");
  await rig.until(() => other.replies.length > length, "EXEC");
  assert.match(String(other.replies.at(-1)), /EXECABORT Transaction discarded because of: NOPERM/);
  assert.equal(await other.ask("PING"), "PONG");
});

test("CLIENT CACHING YES holds for the command that waits", async () => {
  const { rig, other, admin } = await prepared();
  const infoOf = async (): Promise<string> => String(await admin.ask("INFO", "stats"));
  await other.ask("HELLO", 3);
  await other.ask("CLIENT", "TRACKING", "ON", "OPTIN");
  await other.ask("CLIENT", "CACHING", "YES");
  const { length } = other.replies;
  other.send("SCARD", "big2");
  await rig.until(() => other.replies.length > length, "SCARD");
  assert.match(await infoOf(), /tracking_total_keys:1\r/);
  // And for no other.
  await other.ask("GET", "k");
  assert.match(await infoOf(), /tracking_total_keys:1\r/);
});

test("CONFIG SET timeout closes nobody who waits or works, and ends with 0", async () => {
  const { rig, long, other, admin } = await prepared();
  other.send("SCARD", "big2");
  for (let i = 0; i < 5; i++) await admin.ask("CONFIG", "SET", "timeout", 1);
  rig.time.advance(60_000);
  await rig.until(() => long.replies.length === 1 && other.replies.length === 1, "both answers");
  await new Asking(rig).ask("CONFIG", "SET", "timeout", 0);
  const idle = new Asking(rig);
  await idle.ask("PING");
  await rig.pass(10_000);
  assert.equal(await idle.ask("PING"), "PONG");
});

test("of several writers that wait each has its turn, in the order in which they came", async () => {
  const { rig, long } = await prepared();
  const writers = Array.from({ length: 5 }, () => new Asking(rig));
  for (const [i, writer] of writers.entries()) writer.send("APPEND", "big2", String(i));
  await rig.until(
    () => long.replies.length === 1 && writers.every(({ replies }) => replies.length === 1),
    "all",
  );
  for (const { replies } of writers) assert.match(String(replies[0]), /WRONGTYPE/);
});
