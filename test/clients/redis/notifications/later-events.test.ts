/**
 * Events of the commands that redis 7.0 has not: fields that expire, entries that go with their references. The events are those
 * that redis-server 8.2.3 was seen to tell; where one is at hand, both are compared.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startTestBroker, type TestBroker } from "../../../support/broker.ts";
import { PushingRedis } from "../../../support/pushing-redis.ts";
import { laterProgram, noLaterRedis, RealRedis } from "../../../support/real-redis.ts";
import { until } from "../../../support/wait.ts";

const script: readonly [line: string, events: string][] = [
  ["HSET h a 1 b 2 c 3", "new hset"],
  ["HEXPIRE h 100 FIELDS 1 a", "hexpire"],
  ["HEXPIRE h 100 FIELDS 1 zz", ""],
  ["HEXPIRE h 100 XX FIELDS 1 b", ""],
  ["HEXPIRE h 0 FIELDS 1 a", "hdel"],
  ["HEXPIRE h 0 FIELDS 2 b c", "hdel del"],
  ["HSET h a 1 b 2", "new hset"],
  ["HPEXPIRE h 100000 FIELDS 1 a", "hexpire"],
  ["HPERSIST h FIELDS 1 a", "hpersist"],
  ["HPERSIST h FIELDS 1 a", ""],
  ["HGETDEL h FIELDS 2 a zz", "hdel"],
  ["HGETDEL h FIELDS 1 zz", ""],
  ["HGETDEL h FIELDS 1 b", "hdel del"],
  ["HSETEX h EX 100 FIELDS 2 a 1 b 2", "new hset hexpire"],
  ["HSETEX h FNX FIELDS 1 a 1", ""],
  ["HSETEX h FIELDS 1 a 1", "hset"],
  ["HSETEX h KEEPTTL FIELDS 1 b 1", "hset"],
  ["HSETEX h PXAT 1 FIELDS 1 b 1", "hset hdel"],
  ["HSETEX h PXAT 1 FIELDS 1 a 1", "hset hdel del"],
  ["HSET h a 1 b 2", "new hset"],
  ["HGETEX h EX 100 FIELDS 1 a", "hexpire"],
  ["HGETEX h FIELDS 1 a", ""],
  ["HGETEX h PERSIST FIELDS 1 a", "hpersist"],
  ["HGETEX h PERSIST FIELDS 1 a", ""],
  ["HGETEX h PXAT 1 FIELDS 1 a", "hdel"],
  ["HGETEX h PXAT 1 FIELDS 1 b", "hdel del"],
  ["XADD s 1-1 f v", "new xadd"],
  ["XADD s 2-1 f v", "xadd"],
  ["XADD s 3-1 f v", "xadd"],
  ["XGROUP CREATE s g 0", "xgroup-create"],
  ["XREADGROUP GROUP g c COUNT 3 STREAMS s >", "xgroup-createconsumer"],
  ["XDELEX s IDS 1 9-9", ""],
  ["XDELEX s IDS 1 1-1", "xdel"],
  ["XACKDEL s g IDS 1 2-1", "xdel"],
  ["XACKDEL s g IDS 1 2-1", ""],
  ["XACKDEL s g KEEPREF IDS 1 3-1", "xdel"],
  ["XDELEX s DELREF IDS 1 3-1", ""],
  ["XADD s MAXLEN 1 ACKED 5-1 f v", "xadd"],
  ["XADD s MAXLEN 1 DELREF 6-1 f v", "xadd xtrim"],
  ["XTRIM s MAXLEN 0 ACKED", ""],
  ["XTRIM s MAXLEN 0 DELREF", "xtrim"],
];

/** Whoever is compared: what a listener hears after each command. */
class Heard {
  readonly client: PushingRedis;
  readonly listener: PushingRedis;

  constructor(client: PushingRedis, listener: PushingRedis) {
    this.client = client;
    this.listener = listener;
  }

  static async open(port: number): Promise<Heard> {
    const heard = new Heard(await PushingRedis.open(port), await PushingRedis.open(port));
    await heard.client.call("config", "set", "notify-keyspace-events", "EAmn");
    heard.listener.send("psubscribe", "__keyevent@0__:*");
    await heard.listener.settled();
    return heard;
  }

  async of(line: string): Promise<string> {
    await this.client.call(...line.split(" "));
    const pushes = await this.listener.settled();
    return pushes.map((push) => /__keyevent@0__:([a-z-]+)\r/.exec(push)![1]).join(" ");
  }

  async close(): Promise<void> {
    await this.client.close();
    await this.listener.close();
  }
}

let broker: TestBroker;
let ours: Heard;

before(async () => {
  broker = await startTestBroker();
  ours = await Heard.open(broker.ports.redis);
});

after(async () => {
  await ours.close();
  await broker.stop();
});

test("events of later commands", async () => {
  for (const [line, events] of script) assert.equal(await ours.of(line), events, line);
});

test("fields whose time has come: `hexpired`, and `del` with the last one", async () => {
  await ours.of("HSET e a 1 b 2");
  for (const [field, events] of [
    ["a", "hexpire hexpired"],
    ["b", "hexpire hexpired del"],
  ] as const) {
    // Its time may come before the next command, but not within this one, which would remove the field itself.
    const heard = [await ours.of(`HPEXPIRE e 50 FIELDS 1 ${field}`)];
    await until(async () => {
      const more = await ours.of("PING");
      if (more !== "") heard.push(more);
      return heard.join(" ") === events;
    }, events);
  }
});

test("the same of a redis-server 8.2", { skip: noLaterRedis }, async () => {
  const real = await RealRedis.start([], {}, laterProgram);
  const theirs = await Heard.open(real.port);
  for (const [line, events] of script) assert.equal(await theirs.of(line), events, line);
  await theirs.close();
  await real.stop();
});
