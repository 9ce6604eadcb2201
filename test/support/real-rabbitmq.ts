/**
 * A real rabbitmq-server with its management API, over a directory of its own; for tests that compare with it. It takes ten seconds
 * to start, so they run only where TROIKAMQ_TEST_RABBITMQ=1 asks for them.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ownPort } from "./ports.ts";
import { until } from "./wait.ts";

const program = "/usr/lib/rabbitmq/bin/rabbitmq-server";

/** What the machine lacks for it, if anything. */
export function missingRealRabbitMq(): string | undefined {
  return existsSync(program) ? undefined : `no rabbitmq-server here: apt-get install rabbitmq-server`;
}

/** False where it is to be compared with, else why not: the `skip` of a test. */
export const noRealRabbitMq: string | false =
  process.env["TROIKAMQ_TEST_RABBITMQ"] === "1" && missingRealRabbitMq() === undefined
    ? false
    : "only with TROIKAMQ_TEST_RABBITMQ=1, and rabbitmq-server on this machine";

const authorization = `Basic ${Buffer.from("guest:guest").toString("base64")}`;

export interface RealRabbitMqOptions {
  /** For programs that know no others; otherwise any that are free. */
  readonly ports?: { readonly amqp: number; readonly http: number };
  /** More lines of rabbitmq.conf. */
  readonly configuration?: readonly string[];
}

export class RealRabbitMq {
  readonly ports: { readonly amqp: number; readonly http: number };
  readonly amqpUrl: string;
  readonly httpUrl: string;
  readonly #api: string;
  readonly #child: ChildProcess;
  readonly #directory: string;

  private constructor(ports: { amqp: number; http: number }, child: ChildProcess, directory: string) {
    this.ports = ports;
    this.amqpUrl = `amqp://127.0.0.1:${ports.amqp}`;
    this.httpUrl = `http://127.0.0.1:${ports.http}`;
    this.#api = `http://127.0.0.1:${ports.http}/api`;
    this.#child = child;
    this.#directory = directory;
  }

  static async start(
    plugins: readonly string[] = [],
    options: RealRabbitMqOptions = {},
  ): Promise<RealRabbitMq> {
    const { amqp, http } = options.ports ?? { amqp: await ownPort(), http: await ownPort() };
    const [epmd, dist] = [await ownPort(), await ownPort()];
    const directory = mkdtempSync(join(tmpdir(), "real-rabbitmq-"));
    const file = (name: string, text: string): string => {
      writeFileSync(join(directory, name), text);
      return join(directory, name);
    };
    const env = {
      ...process.env,
      HOME: directory,
      ERL_EPMD_ADDRESS: "127.0.0.1",
      ERL_EPMD_PORT: String(epmd),
      RABBITMQ_DIST_PORT: String(dist),
      RABBITMQ_NODENAME: `policies${amqp}@localhost`,
      RABBITMQ_MNESIA_BASE: join(directory, "mnesia"),
      RABBITMQ_LOG_BASE: join(directory, "log"),
      RABBITMQ_CONF_ENV_FILE: "/dev/null",
      // Short of memory, queues are not written out instead: publishers are blocked, on a slow disk too.
      RABBITMQ_ADVANCED_CONFIG_FILE: file(
        "advanced.config",
        "[{rabbit, [{vm_memory_high_watermark_paging_ratio, 9.0}]}].",
      ),
      RABBITMQ_ENABLED_PLUGINS_FILE: file("plugins", `[${["rabbitmq_management", ...plugins].join(",")}].`),
      RABBITMQ_CONFIG_FILE: file(
        "rabbitmq.conf",
        `listeners.tcp.1 = 127.0.0.1:${amqp}\nmanagement.tcp.ip = 127.0.0.1\nmanagement.tcp.port = ${http}\n${(options.configuration ?? []).map((line) => `${line}\n`).join("")}`,
      ),
    };
    const child = spawn(program, [], { env, stdio: "ignore", detached: true });
    const server = new RealRabbitMq({ amqp, http }, child, directory);
    try {
      await until(() => server.#isUp(), "rabbitmq-server");
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  async #isUp(): Promise<boolean> {
    try {
      return (await this.#ask("GET", "/overview")).ok;
    } catch {
      return false;
    }
  }

  #ask(method: string, path: string, body?: object): Promise<Response> {
    return fetch(`${this.#api}${path}`, {
      method,
      headers: { authorization, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  /** Puts a policy on the queue of that name, or removes it; `kind` is `policies` or `operator-policies`. */
  async setPolicy(
    kind: "policies" | "operator-policies",
    queue: string,
    definition: object | null,
  ): Promise<void> {
    const path = `/${kind}/%2F/${queue}`;
    const response =
      definition === null
        ? await this.#ask("DELETE", path)
        : await this.#ask("PUT", path, { pattern: `^${queue}$`, "apply-to": "queues", definition });
    if (!response.ok) throw new Error(`${kind} of ${queue}: ${response.status} ${await response.text()}`);
  }

  /** The program runs others: all of its process group are its own. */
  async stop(): Promise<void> {
    const { pid } = this.#child;
    const gone = new Promise((resolve) => this.#child.once("exit", resolve));
    if (pid !== undefined && this.#child.exitCode === null) {
      process.kill(-pid, "SIGKILL");
      await gone;
    }
    rmSync(this.#directory, { recursive: true, force: true, maxRetries: 5 });
  }
}
