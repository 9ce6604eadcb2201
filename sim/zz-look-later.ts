import "/work/wt/look/test/support/asserts-on.ts";
import { run } from "/work/wt/look/sim/run.ts";
import { sceneOf } from "/work/wt/look/sim/scenes.ts";
const most = Number(process.argv[2]);
let ran = 0;
const totals: Record<string, number> = {};
const until = Date.now() + Number(process.argv[3]) * 1000;
for (let seed = Number(process.argv[4] ?? 1); ran < most && Date.now() < until; seed++) {
  const scene = sceneOf(seed);
  if (scene !== "later") continue;
  ran++;
  try {
    const { counts } = await run(seed, {});
    for (const [w, c] of Object.entries(counts)) totals[w] = (totals[w] ?? 0) + c;
  } catch (e) {
    console.log("FAILED seed", seed, (e as Error).message.slice(0, 600));
    process.exit(1);
  }
}
console.log(
  ran,
  "runs",
  JSON.stringify(
    Object.fromEntries(Object.entries(totals).filter(([w]) => /replay|crash|kill|restart/.test(w))),
  ),
);
