/** `troikamq context ls|add|use|rm`: the brokers that somebody works with, by names. Where they are kept: broker/contexts.ts. */
import type { Command } from "commander";
import {
  contextNamed,
  type Contexts,
  contextsFile,
  readContexts,
  writeContexts,
} from "../broker/contexts.ts";
import { addressIn } from "../broker/target.ts";
import { type Format, Printer } from "../output/printer.ts";
import { visible } from "../output/text.ts";
import { passwordIn } from "../password.ts";
import { examples, outputOption } from "../session.ts";

interface Options {
  readonly output: Format;
}

interface LsOptions extends Options {
  readonly names?: true;
}

interface AddOptions extends Options {
  readonly vhost?: string;
  readonly passwordFile?: string;
  readonly use?: true;
}

interface Row {
  readonly name: string;
  readonly current: boolean;
  readonly url: string;
  readonly user: string | null;
  readonly vhost: string;
}

function rowsOf({ current, contexts }: Contexts): Row[] {
  return Object.entries(contexts).map(([name, { url, user = null, vhost = "/" }]) => ({
    name,
    current: name === current,
    url,
    user,
    vhost,
  }));
}

/** The environment goes before the current context (broker/target.ts). */
function usedText(name: string, { env }: NodeJS.Process): string {
  const before = env["TROIKAMQ_URL"] ? "TROIKAMQ_URL" : "TROIKAMQ_CONTEXT";
  const isAnother = before === "TROIKAMQ_URL" || (env[before] ?? name) !== name;
  return isAnother && env[before]
    ? `is used once ${before} is not set, which goes before it`
    : "is used from now on";
}

const columns = [
  { head: "", cell: ({ current }: Row) => (current ? "*" : " ") },
  { head: "NAME", cell: ({ name }: Row) => name },
  { head: "URL", cell: ({ url }: Row) => url },
  { head: "USER", cell: ({ user }: Row) => user },
  { head: "VHOST", cell: ({ vhost }: Row) => vhost },
];

export function defineContext(command: Command): void {
  const { env } = process;
  command.addHelpText(
    "after",
    `\nThey are kept in ${contextsFile(env)}, with their passwords, for its user only to read.\n` +
      examples(
        "troikamq context add prod https://admin@broker.example:15671 --password-file secret --use",
        "troikamq context use prod",
        "troikamq status --context prod",
        "troikamq context ls",
      ),
  );
  const leaf = (name: string, summary: string): Command =>
    command.command(name).description(summary).addOption(outputOption());

  leaf("ls", "list them")
    .option("--names", "print the names only, one a line")
    .action(({ output, names }: LsOptions) => {
      const all = readContexts(env);
      if (names === true) {
        process.stdout.write(
          Object.keys(all.contexts)
            .map((name) => `${visible(name)}\n`)
            .join(""),
        );
        return;
      }
      new Printer(output).list(rowsOf(all), columns, "no contexts yet: troikamq context add NAME URL");
    });
  leaf("add", "name a broker")
    .argument("<name>")
    .argument("<url>", "http://[USER[:PASSWORD]@]HOST[:PORT]")
    .option("--vhost <name>", "the virtual host that its commands work in")
    .option("--password-file <file>", "its first line is the password; - is stdin")
    .option("--use", "make it the current one")
    .action((name: string, given: string, { output, vhost, passwordFile, use }: AddOptions) => {
      const { url, user, password } = addressIn(given, "the address");
      const secret = passwordFile === undefined ? password : passwordIn(passwordFile);
      const { current, contexts } = readContexts(env);
      const context = {
        url,
        ...(user === undefined ? {} : { user }),
        ...(secret === undefined ? {} : { password: secret }),
        ...(vhost === undefined ? {} : { vhost }),
      };
      // The first one is used at once.
      const next = use === true || current === null ? name : current;
      writeContexts(env, { current: next, contexts: { ...contexts, [name]: context } });
      const used = next === name ? `, and ${usedText(name, process)}` : "";
      new Printer(output).done({ name, url, current: next === name }, `context ${name} is ${url}${used}`);
    });
  leaf("use", "make one the current one")
    .argument("<name>")
    .action((name: string, { output }: Options) => {
      const all = readContexts(env);
      const { url } = contextNamed(all, name);
      writeContexts(env, { ...all, current: name });
      new Printer(output).done(
        { name, url, current: true },
        `context ${name} (${url}) ${usedText(name, process)}`,
      );
    });
  leaf("rm", "forget one")
    .argument("<name>")
    .action((name: string, { output }: Options) => {
      const all = readContexts(env);
      contextNamed(all, name);
      const { [name]: _, ...contexts } = all.contexts;
      const current = all.current === name ? null : all.current;
      writeContexts(env, { current, contexts });
      new Printer(output).done({ name, deleted: true }, `context ${name} is forgotten`);
    });
}
