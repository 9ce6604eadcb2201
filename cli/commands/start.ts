/**
 * `troikamq start`: starts the broker, says that it is ready, and ends it when a signal asks.
 *
 * Invariant: stdout gets one line, and only once every listener accepts. A signal drains, then the exit code is
 * 0; the same signal again changes nothing, since a terminal's Ctrl-C may arrive twice. Where TLS is on, SIGHUP has the
 * certificate read again instead. The end of what started it (parent.ts) is SIGTERM.
 */
import { StartError } from "../../src/base/errors.ts";
import { parentGone } from "../parent.ts";
import { settle } from "../settle.ts";

/** What the wiring answers once every listener accepts. */
interface RunningBroker {
  /** The absolute path, or `memory`. */
  readonly dataDir: string;
  /** By protocol; what is off is not in it. */
  readonly ports: Readonly<Record<string, number>>;
  /** Settles when a client has asked the broker to stop. */
  readonly stopping: Promise<void>;
  /** Drains: no new work, what was accepted is finished and stored. */
  readonly close: () => Promise<void>;
  /** Absent without TLS. */
  readonly reloadTls?: () => boolean;
}

const endingSignals = ["SIGTERM", "SIGINT", "SIGHUP"] as const;

export async function start(argv: readonly string[]): Promise<number> {
  const config = await settle("start", argv);
  const gone = parentGone(process.env);
  const { runStart } = await import("../../src/main.ts");
  const broker: RunningBroker = await runStart(config);
  const ended = new Promise<void>((resolve) => {
    for (const signal of endingSignals) {
      const reload = signal === "SIGHUP" ? broker.reloadTls : undefined;
      process.on(signal, () => void (reload === undefined ? resolve() : reload()));
    }
  });
  const { dataDir, ports } = broker;
  process.stdout.write(`${JSON.stringify({ ready: true, pid: process.pid, dataDir, ports })}\n`);
  await Promise.race([ended, gone, broker.stopping]);
  try {
    await broker.close();
  } catch (error) {
    const why = (error as Error).message;
    throw new StartError(1, `what was not acknowledged yet could not be written at the end: ${why}`);
  }
  // A client's socket or a library's timer that is still open must not keep the process.
  process.exit(0);
}
