/** Runs another program's command line to its end. Its invariant: a failure is told in one line that says why. */
import { spawn } from "node:child_process";

const commandMsMax = 600_000;
const keptCharacters = 65_536;

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly directory: string;
}

/** What it wrote to stdout. @throws when it fails, or takes more than ten minutes */
export function run({ program, args, directory }: Command): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: directory, stdio: ["ignore", "pipe", "pipe"] });
    const timer = setTimeout(() => child.kill("SIGKILL"), commandMsMax);
    let [text, log] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (piece: string) => (text += piece));
    child.stderr.setEncoding("utf8").on("data", (piece: string) => {
      log = (log + piece).slice(-keptCharacters);
    });
    child.on("error", (error) => reject(new Error(`${program} cannot be run: ${error.message}`)));
    child.on("close", (code) => {
      clearTimeout(timer);
      if (code === 0) resolve(text);
      else reject(new Error(`${program} ${args[0] ?? ""} failed: ${reasonIn(`${log}\n${text}`)}`));
    });
  });
}

/** apt begins the line that counts with `E:`, Maven with `[ERROR]`. */
function reasonIn(text: string): string {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return lines.find((line) => /^(E:|\[ERROR\])/.test(line)) ?? lines.at(-1) ?? "it said nothing";
}
