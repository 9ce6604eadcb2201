/** What a client asks for again that it has already costs nothing more: no bound is reached by saying the same thing many times. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Rig } from "../../../fuzz/rig.ts";
import { limits } from "../../../src/base/limits.ts";

function words(...parts: string[]): Buffer {
  return Buffer.from(`*${parts.length}\r\n${parts.map((part) => `$${part.length}\r\n${part}\r\n`).join("")}`);
}

const long = "p".repeat(20_000);
const channel = "c".repeat(limits.nameBytesMax);
const times = 2 * Math.ceil(limits.connectionPatternBytesMax / long.length);

const repeated: Readonly<Record<string, { again: string[]; another: string[]; undo: string[] }>> = {
  PSUBSCRIBE: { again: ["PSUBSCRIBE", `${long}*`], another: ["PSUBSCRIBE", "q*"], undo: ["PUNSUBSCRIBE"] },
  SUBSCRIBE: { again: ["SUBSCRIBE", channel], another: ["SUBSCRIBE", "q"], undo: ["UNSUBSCRIBE"] },
  SSUBSCRIBE: { again: ["SSUBSCRIBE", channel], another: ["SSUBSCRIBE", "q"], undo: ["SUNSUBSCRIBE"] },
  WATCH: { again: ["WATCH", long], another: ["WATCH", "q"], undo: ["UNWATCH"] },
};

for (const [what, { again, another, undo }] of Object.entries(repeated)) {
  test(`${what} of the same name many times, and then of another`, async () => {
    const rig = await Rig.open();
    const peer = rig.connect("redis");
    for (const round of [1, 2]) {
      for (let i = 0; i < times; i++) {
        peer.send(words(...again));
        rig.settle();
        assert.ok(!peer.take().toString().startsWith("-"), `round ${round}, time ${i + 1}`);
      }
      for (const next of [another, undo]) {
        peer.send(words(...next));
        rig.settle();
        assert.ok(!peer.take().toString().startsWith("-"), next.join(" "));
      }
    }
    assert.equal(peer.isClosed, false);
  });
}
