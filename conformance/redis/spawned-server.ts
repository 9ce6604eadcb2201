/**
 * A broker in place of the redis-server that Redis's test suite starts itself: `redis-server [FILE] [--NAME VALUE…]`. It listens
 * on the port of the configuration; the other lines become CONFIG SET and ACL SETUSER before the suite is told that it is ready.
 * What the broker does not know is left out, so that the tests show it.
 *
 * Not here: who calls it (suite.ts). Invariant: it ends with its broker, and its broker with it.
 */
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { RawRedis } from "../../test/support/raw-redis.ts";

/** In the file: `name value`, with the value's words as they stand, in quotes or not. */
function settingsIn(text: string): [name: string, words: string[]][] {
  const lines = text.split("\n").map((line) => line.trim());
  return lines
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const words = [...line.matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'|(\S+)/g)].map(
        ([, double, single, bare]) => double ?? single ?? bare ?? "",
      );
      return [words[0]!.toLowerCase(), words.slice(1)];
    });
}

const [file, ...more] = process.argv.slice(2);
if (file === undefined || more.length > 0) {
  console.error("a configuration file is needed, and nothing else");
  process.exit(1);
}
const settings = settingsIn(fs.readFileSync(file, "utf8"));
const valueOf = (name: string): string | undefined => settings.findLast(([other]) => other === name)?.[1][0];
const port = Number(valueOf("port"));
const args = [
  "start",
  "--data-dir",
  path.join(valueOf("dir") ?? ".", "troikamq"),
  "--redis-port",
  String(port),
];
for (const other of ["amqp", "kafka", "http"]) args.push(`--${other}-port`, "off");
const child = spawn(process.execPath, [path.join(import.meta.dirname, "../../bin/troikamq.js"), ...args], {
  stdio: ["ignore", "pipe", "inherit"],
});
child.on("exit", (code) => process.exit(code ?? 1));
process.on("exit", () => child.kill("SIGKILL"));
process.on("SIGTERM", () => child.kill("SIGTERM"));
process.on("SIGINT", () => child.kill("SIGTERM"));

for await (const line of createInterface(child.stdout)) {
  if (line.includes('"ready":true')) break;
}
/** They are about the process and its files, which the broker has otherwise. */
const ofTheProcess = new Set([
  "port",
  "dir",
  "pidfile",
  "logfile",
  "daemonize",
  "bind",
  "unixsocket",
  "dbfilename",
]);
const redis = await RawRedis.open(port);
for (const [name, words] of settings) {
  if (ofTheProcess.has(name)) continue;
  if (name === "user") await redis.call("acl", "setuser", ...words);
  else await redis.call("config", "set", name, words.join(" "));
}
await redis.close();
console.log(` PID: ${process.pid}\nReady to accept connections`);
