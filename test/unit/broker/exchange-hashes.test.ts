import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { jumpHash } from "../../../src/broker/exchange/routing/hashing/jump-hash.ts";
import { portableHash, termOfField } from "../../../src/broker/exchange/routing/hashing/portable-hash.ts";
import { ConsistentHashRouter } from "../../../src/broker/exchange/routing/consistent-hash.ts";
import { OrderedBindings } from "../../../src/broker/exchange/routing/ordered-bindings.ts";
import { noFacts } from "../../../src/broker/exchange/routing/router.ts";
import { openBareBroker } from "../../support/bare-broker.ts";
import type { FieldValue } from "../../../src/message/amqp/table.ts";

test("erlang:phash2 of Erlang/OTP 25, of texts and of header values", () => {
  const texts: [string, number][] = [
    ["", 13_708_901],
    ["a", 112_802_447],
    ["123456789012", 40_293_642],
    ["hello world, this is long", 86_224_811],
  ];
  for (const [text, hash] of texts) assert.equal(portableHash(Buffer.from(text)), hash, text);
  assert.equal(portableHash({ list: [Buffer.from("a")] }), 53_691_870);
  assert.equal(portableHash({ list: [Buffer.from("k1"), Buffer.from("k2")] }), 99_073_066);
  assert.equal(portableHash({ atom: "undefined" }), 45_914_356);
  const fields: [FieldValue, number][] = [
    [{ type: "S", value: "x" }, 14_442_427],
    [{ type: "I", value: 5 }, 40_839_585],
    [{ type: "I", value: -5 }, 39_932_925],
    [{ type: "l", value: 1_000_000_000_000 }, 68_968_119],
    [{ type: "l", value: -1_000_000_000_000 }, 129_698_376],
    [{ type: "t", value: true }, 32_030_443],
    [{ type: "d", value: 1.5 }, 115_320_697],
    [{ type: "d", value: -0 }, 28_702_447],
    [{ type: "T", value: 1_600_000_000 }, 13_961_160],
    [{ type: "V" }, 27_077_197],
    [{ type: "D", scale: 2, value: 314 }, 113_508_173],
    [{ type: "A", value: [] }, 86_211_673],
    [{ type: "A", value: [{ type: "S", value: "a" }] }, 130_437_836],
    [{ type: "F", value: [{ name: "k", field: { type: "S", value: "v" } }] }, 95_356_243],
  ];
  for (const [field, hash] of fields)
    assert.equal(portableHash(termOfField(field)), hash, JSON.stringify(field));
});

test("jump hash: Erlang's generator, and a bucket that is added takes its part alone", () => {
  const known: [number, number, number][] = [
    [12_345, 10, 0],
    [0, 10, 4],
    [134_217_727, 1000, 220],
    [999, 7, 0],
    [31_337, 100_000, 50_855],
    [5, 1, 0],
  ];
  for (const [hash, count, bucket] of known) assert.equal(jumpHash(hash, count), bucket);
  fc.assert(
    fc.property(fc.nat(2 ** 27 - 1), fc.integer({ min: 1, max: 50 }), (hash, count) => {
      const [before, after] = [jumpHash(hash, count), jumpHash(hash, count + 1)];
      assert.ok(after === before || after === count);
    }),
  );
});

function assertRoutes(router: ConsistentHashRouter<number>, buckets: readonly number[], key: string): void {
  const found = new Set<number>();
  router.route(key, noFacts, found);
  const hash = portableHash(Buffer.from(key, "latin1"));
  assert.deepEqual([...found], buckets.length === 0 ? [] : [buckets[jumpHash(hash, buckets.length)]]);
}

test("a consistent hash with weights of any size is as one with a place for each bucket", () => {
  const steps = fc.array(fc.tuple(fc.nat(5), fc.integer({ min: 0, max: 4 })), { maxLength: 20 });
  fc.assert(
    fc.property(steps, fc.array(fc.string(), { maxLength: 10 }), (all, keys) => {
      const router = new ConsistentHashRouter<number>({});
      let buckets: number[] = [];
      for (const [destination, weight] of all) {
        if (weight === 0) {
          router.unbind(destination, "", {});
          buckets = buckets.filter((each) => each !== destination);
        } else {
          router.bind(destination, String(weight), {});
          if (!buckets.includes(destination)) buckets.push(...Array<number>(weight).fill(destination));
        }
        // Messages come between some of the steps only.
        if (destination % 2 === 0) assertRoutes(router, buckets, String(weight));
      }
      for (const key of keys) assertRoutes(router, buckets, key);
    }),
  );
});
test("a binding has its place behind all others without a look at them, over restarts too", async () => {
  const first = await openBareBroker();
  const names = ["c", "a", "d", "b"];
  const exchange = first.broker.defaultVhost.declareExchange({
    name: "hashed",
    type: "x-consistent-hash",
    durable: true,
    autoDelete: false,
    internal: false,
    args: {},
  });
  let looks = 0;
  exchange.bindings.values = () => {
    looks++;
    return Map.prototype.values.call(exchange.bindings);
  };
  const { bindings } = first.broker.defaultVhost;
  for (const name of [...names, "gone"]) bindings.bind(exchange, first.declare(name), "1", {});
  bindings.unbind(exchange, first.broker.defaultVhost.queue("gone"), "1", {});
  bindings.bind(exchange, first.declare("last"), "1", {});
  assert.equal(looks, 0);
  await first.close();

  const second = await openBareBroker(first.disk);
  const again = second.broker.defaultVhost.exchanges.get("hashed")!;
  const order = (): string[] => [...again.bindings.values()].map(({ destination }) => destination.name);
  assert.deepEqual(order(), [...names, "last"]);
  // What comes after a restart is behind what was there.
  second.broker.defaultVhost.bindings.bind(again, second.declare("aa"), "1", {});
  const ordinals = [...again.bindings.values()].map(({ ordinal }) => ordinal);
  assert.deepEqual(
    ordinals,
    ordinals.toSorted((a, b) => a - b),
  );
  assert.equal(new Set(ordinals).size, ordinals.length);
  await second.close();
});

test("bindings have RabbitMQ's order: keys as bytes, exchanges before queues, then names", () => {
  const bindings = new OrderedBindings<{ kind: string; name: string }>();
  const queue = (name: string) => ({ kind: "queue", name });
  const all: [{ kind: string; name: string }, string][] = [
    [queue("b"), "k"],
    [queue("a"), "k"],
    [{ kind: "exchange", name: "z" }, "k"],
    [queue("a"), "k\0"],
    [queue("z"), "j"],
    [queue("a"), "k2"],
    [queue("a"), ""],
  ];
  for (const [destination, key] of all) bindings.add(destination, key, {});
  const order = (): string[] =>
    Array.from({ length: bindings.count }, (_, i) => `${bindings.at(i).kind[0]}${bindings.at(i).name}`);
  assert.deepEqual(order(), ["qa", "qz", "ez", "qa", "qb", "qa", "qa"]);
  bindings.remove(queue("a"), "k", {});
  bindings.remove(queue("none"), "k", {});
  assert.deepEqual(order(), ["qa", "qz", "ez", "qb", "qa", "qa"]);
});
