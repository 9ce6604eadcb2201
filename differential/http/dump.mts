import { setTimeout as delay } from "node:timers/promises";
import fs from "node:fs";
import { ask, changes, connectClient, looks, type Server } from "./scenario.ts";
const [amqpUrl, httpUrl, out] = process.argv.slice(2);
const server: Server = { amqpUrl: amqpUrl!, httpUrl: httpUrl!, authorization: "Basic " + Buffer.from("guest:guest").toString("base64") };
const made: unknown[] = [];
for (const [m, p, b] of changes) made.push([m, p, b, await ask(server, m, p, b)]);
const client = await connectClient(server);
await delay(7000);
const list = (await ask(server, "GET", "/api/connections")).body as any[];
const conn = encodeURIComponent(Array.isArray(list) ? list.find((c) => c.vhost === "cmp")?.name ?? "none" : "none");
const node = ((await ask(server, "GET", "/api/overview")).body as any)?.node ?? "none";
for (const path of looks) {
  const p = path.replace("CONNECTION", conn).replace("CHANNEL", conn + encodeURIComponent(" (1)")).replace("NODE", node);
  made.push(["GET", path, undefined, await ask(server, "GET", p)]);
}
fs.writeFileSync(out!, JSON.stringify(made));
await client.end();
