/**
 * `npm run bench:peers`: brings the servers that TroikaMQ is measured beside, and their own load tools, where they are
 * not installed, into .peers, which git ignores. Nothing is installed into the system.
 *
 * Not here: how they are started (servers/). Invariant: what cannot be had is named with its reason and keeps nothing
 * else away; what is there is not fetched again; only a whole fetch counts as there.
 */
import { debianPeers } from "./peers/debian.ts";
import { mavenPeers } from "./peers/maven.ts";

let missing = 0;
for (const peer of [...debianPeers, ...mavenPeers]) {
  if (peer.isThere()) {
    console.log(`there:   ${peer.name}`);
    continue;
  }
  console.log(`fetches: ${peer.name}`);
  try {
    await peer.fetch();
    if (!peer.isThere()) throw new Error("it was fetched, and yet it is not found");
    console.log(`fetched: ${peer.name}`);
  } catch (error) {
    missing += 1;
    console.log(`missing: ${peer.name}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
process.exitCode = missing === 0 ? 0 : 1;
