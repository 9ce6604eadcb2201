/** The handles of entries that come later: none stands for two of them. Who may cancel what: test/clients/redis/troika. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Timetable } from "../../../../src/broker/schedule/timetable.ts";
import { EntryId } from "../../../../src/message/entry-id.ts";
import { envelope } from "../../../../src/message/envelope.ts";
import { openBareBroker } from "../../../support/bare-broker.ts";

test("an entry that has entered its stream leaves its handle to nobody, in the same millisecond either", async () => {
  const bare = await openBareBroker();
  const { broker } = bare;
  const timetable = new Timetable(broker, { vhostPrefix: "\0scheduled/", enter: () => true });
  const vhost = broker.createVhost("v");
  const bytes = Buffer.from("entry");
  const add = (due: number): string => {
    const handle = new EntryId();
    const record = { due, envelope: envelope.redis, buffer: bytes, start: 0, end: bytes.length };
    timetable.add(vhost, "s", record, handle);
    return handle.toString();
  };
  const first = add(broker.clock.now());
  bare.pass(0);
  await bare.turnsUntil(() => timetable.find(vhost, "s") === undefined);
  assert.equal(timetable.delivered, 1);
  const second = add(broker.clock.now() + 1000);
  assert.notEqual(second, first);
  assert.equal(timetable.cancel(vhost, "s", idOf(first)), false, "it has entered its stream");
  assert.equal(timetable.cancel(vhost, "s", idOf(second)), true);
  await bare.close();
});

function idOf(handle: string): EntryId {
  const [ms, sequence] = handle.split("-").map(Number) as [number, number];
  return new EntryId().set(ms, sequence);
}
