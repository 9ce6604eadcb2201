/** Whoever is told of what others do, and does not read, is disconnected at the bound that CONFIG SET gives. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Rig } from "../../../fuzz/rig.ts";
import { requestOf, type Word } from "../../support/raw-redis.ts";

const messageBytes = 300_000;
const message = "m".repeat(messageBytes);

const ways: Record<string, readonly Word[]> = {
  MONITOR: ["MONITOR"],
  SUBSCRIBE: ["SUBSCRIBE", "c"],
  "TROIKA.SUBSCRIBE with ids": ["TROIKA.SUBSCRIBE", "c", "FROM", "$", "WITHID"],
};

for (const [way, words] of Object.entries(ways)) {
  test(`${way}: the bound is the setting's`, async () => {
    for (const [bytesMax, isCut] of [
      [2 << 20, true],
      [32 << 20, false],
    ] as const) {
      const rig = await Rig.open();
      const say = (peer: ReturnType<Rig["connect"]>, ...request: Word[]): string => {
        peer.send(requestOf(request));
        rig.settle();
        return peer.take().latin1Slice();
      };
      const [asker, listener] = [rig.connect("redis"), rig.connect("redis")];
      assert.equal(
        say(asker, "CONFIG", "SET", "client-output-buffer-limit", `pubsub ${bytesMax} 0 0`),
        "+OK\r\n",
      );
      say(asker, "CONFIG", "SET", "troika-pubsub-history", "c* 600000 1000 1000000 memory");
      assert.match(say(listener, ...words), /^[+*]/);
      listener.isStuck = true;
      for (let sent = 0; sent < 16; sent++) say(asker, "PUBLISH", "c", message);
      assert.equal(listener.isClosed, isCut, `${bytesMax} bytes`);
    }
  });
}
