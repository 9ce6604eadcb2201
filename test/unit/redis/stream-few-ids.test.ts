/** Commands over one id of a stream begin no job; over many they do; what they answer is the same. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { DurableRig } from "../../support/durable-rig.ts";

function plain(reply: unknown): unknown {
  if (Array.isArray(reply)) return reply.map(plain);
  return Buffer.isBuffer(reply) ? reply.latin1Slice() : reply;
}

/** Of the ids that stand for `IDS`, and how many they are for `COUNT`. */
const commands: Record<string, (id: string) => unknown> = {
  "XCLAIM s g bob 0 IDS": (id) => [id, ["f", "v"]],
  "XCLAIM s g bob 0 IDS JUSTID": (id) => id,
  "XACKDEL s g IDS COUNT IDS": () => 1,
  "XACKDEL s g DELREF IDS COUNT IDS": () => 1,
  "XDELEX s IDS COUNT IDS": () => 1,
  "TROIKA.NACK s g IDS REASON bad": () => null,
};

for (const [command, replyFor] of Object.entries(commands)) {
  test(command, async () => {
    const rig = await DurableRig.open(1);
    const { work } = rig.broker;
    let jobs = 0;
    const run = work.run.bind(work);
    work.run = (job, ended) => {
      jobs++;
      return run(job, ended);
    };
    const ask = async (line: string): Promise<unknown> => plain(await rig.redis(...line.split(" ")));
    const onIds = (ids: readonly string[]): Promise<unknown> => {
      const words = command.split(" ");
      // The last `IDS` is where they stand; a first one is the word of the command.
      const at = words.lastIndexOf("IDS");
      words.splice(at, 1, ...ids);
      return ask(words.join(" ").replace("COUNT", String(ids.length)));
    };
    await ask("XGROUP CREATE s g 0 MKSTREAM");
    const all = Array.from({ length: 200 }, (_, i) => `${i + 1}-0`);
    for (const id of all) await ask(`XADD s ${id} f v`);
    await ask("XREADGROUP GROUP g alice STREAMS s >");
    jobs = 0;
    const first = replyFor("1-0");
    assert.deepEqual(await onIds(["1-0"]), first === null ? 1 : [first]);
    assert.equal(jobs, 0, "one id needs no job");
    const missing = await onIds(["999-0"]);
    assert.equal(jobs, 0, "nor one that is not there");
    if (command.startsWith("XCLAIM")) assert.deepEqual(missing, []);
    else assert.deepEqual(missing, first === null ? 0 : [-1]);
    const rest = all.slice(1);
    assert.deepEqual(await onIds(rest), first === null ? rest.length : rest.map(replyFor));
    assert.ok(jobs > 0, "many ids are a job");
    await rig.kill();
    const left = command.startsWith("XACKDEL") ? 0 : 200;
    assert.equal(((await ask("XPENDING s g")) as unknown[])[0], left);
  });
}
