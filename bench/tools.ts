/**
 * `npm run bench:tools [-- --only TEXT[,TEXT]] [--pairs 3] [--seconds 8]`: whether the bench's own generators can load
 * a server at least as well as the peers' own tools do, one after the other against the same peer; and what each
 * reaches against TroikaMQ, to see how far the peer's figures are from the generator's ceiling.
 *
 * Not here: TroikaMQ beside a peer (index.ts). Invariant: both sides of a pair have the same server and the same load.
 */
import { parseArgs } from "node:util";
import type { Server } from "./contract.ts";
import { median, pairedRatios } from "./base/statistics.ts";
import { mavenPeers } from "./peers/maven.ts";
import { ratioText } from "./report.ts";
import { peers } from "./servers/index.ts";
import { startTroikaMQ } from "./servers/troikamq.ts";
import { type Load, type ToolCase, toolCases } from "./tools/cases.ts";

const { values: options } = parseArgs({
  options: {
    only: { type: "string" },
    pairs: { type: "string", default: "3" },
    seconds: { type: "string", default: "8" },
  },
});
const pairs = Number(options.pairs);
const seconds = Number(options.seconds);
const wanted = options.only?.split(",");

let runsMade = 0;

type Drive = (load: Omit<Load, "server">) => Promise<number>;

/** A side of a case: each run is told what the one before reached. */
class Side {
  readonly #drive: Drive;
  #perSecondBefore = 0;

  constructor(drive: Drive) {
    this.#drive = drive;
  }

  async run(): Promise<number> {
    runsMade += 1;
    const id = `tools-${process.pid}-${runsMade}`;
    this.#perSecondBefore = await this.#drive({ id, seconds, perSecondBefore: this.#perSecondBefore });
    return this.#perSecondBefore;
  }
}

function ourSide(toolCase: ToolCase, server: Server, tell: (verified: string) => void): Side {
  return new Side(async (load) => {
    const figures = await toolCase.ours({ ...load, server });
    tell(figures.verified);
    return figures.count / figures.seconds;
  });
}

async function compare(toolCase: ToolCase, peer: Server, troikamq: Server): Promise<void> {
  const theirs = new Side((load) => toolCase.theirs({ ...load, server: peer }));
  let [verified, verifiedAtCeiling] = ["", ""];
  const ours = ourSide(toolCase, peer, (text) => (verified = text));
  const atCeiling = ourSide(toolCase, troikamq, (text) => (verifiedAtCeiling = text));
  // The first of each is left out: it warms the server up, and settles how much the others ask for.
  for (const side of [theirs, ours, atCeiling]) await side.run();
  const rates = { theirs: [] as number[], ours: [] as number[], atCeiling: [] as number[] };
  for (let pair = 0; pair < pairs; pair++) {
    rates.theirs.push(await theirs.run());
    rates.ours.push(await ours.run());
    rates.atCeiling.push(await atCeiling.run());
  }
  const [their, our, ceiling] = [rates.theirs, rates.ours, rates.atCeiling].map(median) as [
    number,
    number,
    number,
  ];
  console.log(`  ${toolCase.tool} on ${peer.name}: ${thousands(their)}`);
  console.log(`  our generator on ${peer.name}: ${thousands(our)}; ${verified}`);
  console.log(`  our generator on ${troikamq.name}: ${thousands(ceiling)}; ${verifiedAtCeiling}`);
  console.log(`  ours to ${toolCase.tool} ${ratioText(pairedRatios(rates.ours, rates.theirs))}`);
}

function thousands(perSecond: number): string {
  return `${Math.round(perSecond / 1000)} k/s`;
}

function missingFor({ tool, peer }: ToolCase): string | undefined {
  const perfTest = mavenPeers.find(({ name }) => name.includes(tool));
  if (perfTest?.isThere() === false) return `no ${tool}; npm run bench:peers fetches it`;
  return peers[peer].missing();
}

let failures = 0;
for (const toolCase of toolCases) {
  if (wanted?.some((text) => toolCase.name.includes(text)) === false) continue;
  console.log(toolCase.name);
  const missing = missingFor(toolCase);
  if (missing !== undefined) {
    console.log(`  missing: ${missing}`);
    continue;
  }
  // New ones for each: a tool leaves behind what it made.
  const servers: Server[] = [];
  try {
    const peer = await peers[toolCase.peer].start(toolCase.settings);
    servers.push(peer);
    const troikamq = await startTroikaMQ(toolCase.settings);
    servers.push(troikamq);
    await compare(toolCase, peer, troikamq);
  } catch (error) {
    failures += 1;
    console.log(`  FAILED: ${error instanceof Error ? error.message : String(error)}`);
  }
  for (const server of servers) await server.stop();
}
process.exit(failures > 0 ? 1 : 0);
