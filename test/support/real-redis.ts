/** The real redis-server of this machine, for tests that compare with it; absent elsewhere. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ownPort } from "./ports.ts";
import { until } from "./wait.ts";

const program = "redis-server";
/** A redis-server of a later version, where there is one: the judge of what came after 7.0. */
export const laterProgram = process.env["TROIKAMQ_TEST_LATER_REDIS"] ?? "";

/** False where redis 7.0 is installed, else why not: the `skip` of a test. */
export const noRealRedis: string | false = String(spawnSync(program, ["--version"]).stdout).includes("v=7.0.")
  ? false
  : "no redis-server 7.0 on this machine";

/** The same for redis 8.2 or later. */
export const noLaterRedis: string | false =
  laterProgram !== "" && /v=8\.[2-9]/.test(String(spawnSync(laterProgram, ["--version"]).stdout))
    ? false
    : "TROIKAMQ_TEST_LATER_REDIS names no redis-server 8.2";

export class RealRedis {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #directory: string;

  private constructor(port: number, child: ChildProcess, directory: string) {
    this.port = port;
    this.#child = child;
    this.#directory = directory;
  }

  /** `files` are in its directory when it starts. */
  static async start(
    args: readonly string[] = [],
    files: Readonly<Record<string, string | Buffer>> = {},
    executable: string = program,
  ): Promise<RealRedis> {
    const port = await ownPort();
    const directory = mkdtempSync(join(tmpdir(), "real-redis-"));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
    const options = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--dir", directory];
    options.push(...args);
    const child = spawn(executable, options, { stdio: "ignore" });
    const server = new RealRedis(port, child, directory);
    try {
      await until(() => canConnect(port), "redis-server");
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  async stop(): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGKILL");
    await gone;
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
