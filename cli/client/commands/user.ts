/**
 * `troikamq user ls|show|add|passwd|tags|rm|grant|revoke`: who may log in, and what they may do.
 *
 * Passwords come from stdin or from a file, since other users of the machine can read a command line. Invariant: none is ever printed.
 */
import type { Command } from "commander";
import { type Api, type Json, noVhost, path } from "../broker/api.ts";
import { CliFault } from "../fault.ts";
import type { Column } from "../output/table.ts";
import { passwordIn, passwordWays } from "../password.ts";
import { type BrokerOptions, examples, sessionOf, withBroker } from "../session.ts";

interface PasswordOptions extends BrokerOptions {
  readonly passwordFile?: string;
}

interface AddOptions extends PasswordOptions {
  readonly tags?: readonly string[];
}

interface GrantOptions extends BrokerOptions {
  readonly configure?: string;
  readonly write?: string;
  readonly read?: string;
}

interface User extends Json {
  readonly name: string;
  readonly tags: readonly string[];
}

const tagNames = ["administrator", "monitoring", "policymaker", "management", "impersonator"];

/** Words, or one with commas as rabbitmqctl's users write it; for Commander, which gives one word at a time. @throws CliFault */
function tagsIn(word: string, before: readonly string[] = []): readonly string[] {
  const tags = word.split(",").map((tag) => tag.trim());
  for (const tag of tags) {
    if (tag === "" || tagNames.includes(tag)) continue;
    throw new CliFault("usage", `no tag is called ${JSON.stringify(tag)}; there are ${tagNames.join(", ")}`);
  }
  return [...new Set([...before, ...tags.filter((tag) => tag !== "")])];
}

/** rabbitmqctl's form has three patterns behind the name. @throws CliFault */
function permissionsIn(
  patterns: readonly string[],
  options: GrantOptions,
): Record<"configure" | "write" | "read", string> {
  const { configure = ".*", write = ".*", read = ".*" } = options;
  if (patterns.length === 0) return { configure, write, read };
  const isMixed = [options.configure, options.write, options.read].some((given) => given !== undefined);
  if (patterns.length !== 3 || isMixed)
    throw new CliFault(
      "usage",
      "give three patterns, CONFIGURE WRITE READ, or the options --configure, --write and --read; what is left out is .*",
    );
  return { configure: patterns[0]!, write: patterns[1]!, read: patterns[2]! };
}

const columns: readonly Column<User>[] = [
  { head: "NAME", cell: ({ name }) => name },
  { head: "TAGS", cell: ({ tags }) => tags.join(",") || null },
];

const permissionColumns: readonly Column<Json>[] = ["vhost", "configure", "write", "read"].map((field) => ({
  head: field.toUpperCase(),
  cell: ({ [field]: value }) => value as string,
}));

/** Without a file it is what is piped in. @throws CliFault */
function passwordOf({ passwordFile: file }: PasswordOptions): string {
  if (file === undefined && process.stdin.isTTY)
    throw new CliFault("usage", `there is no password: ${passwordWays}`);
  return passwordIn(file ?? "-");
}

/** @throws CliFault */
async function userNamed(api: Api, name: string): Promise<User> {
  const user = await api.find<User>(path`/api/users/${name}`);
  if (user !== null) return user;
  throw new CliFault("notFound", `no user is called ${JSON.stringify(name)}; see troikamq user ls`);
}

function withoutHash({ password_hash: _hash, hashing_algorithm: _algorithm, ...user }: User): Json {
  return user;
}

function withPassword(command: Command): Command {
  return command.option("--password-file <file>", "its first line is the password; - is stdin [stdin]");
}

export function defineUser(command: Command): void {
  command.addHelpText(
    "after",
    examples(
      "troikamq user ls",
      "openssl rand -base64 24 | tee secret | troikamq user add reporting --tags monitoring",
      "troikamq user grant orders-service --vhost / --configure '^orders' --write '^orders' --read '.*'",
      "troikamq user passwd reporting --password-file secret",
      "troikamq user rm reporting",
    ),
  );
  const leaf = (name: string, summary: string): Command =>
    withBroker(command.command(name).description(summary));

  leaf("ls", "list them").action(async (options: BrokerOptions) => {
    const { api, printer } = sessionOf(options);
    printer.list(
      (await api.get<User[]>("/api/users")).map((user) => withoutHash(user) as User),
      columns,
      "",
    );
  });
  leaf("show", "show one and what it may do")
    .argument("<name>")
    .action(async (name: string, options: BrokerOptions) => {
      const { api, printer } = sessionOf(options);
      const user = await userNamed(api, name);
      const permissions = await api.get<Json[]>(path`/api/users/${name}/permissions`);
      printer.item({ ...withoutHash(user), permissions }, () => [
        ["name", name],
        ["tags", user.tags.join(", ") || "none"],
      ]);
      if (printer.format === "table") printer.list(permissions, permissionColumns, "no permissions anywhere");
    });
  withPassword(leaf("add", "make one").argument("<name>"))
    .option("--tags <tag...>", `what it may do in the management API: ${tagNames.join(", ")}`, tagsIn)
    .action(async (name: string, options: AddOptions) => {
      const { api, printer } = sessionOf(options);
      if ((await api.find(path`/api/users/${name}`)) !== null)
        throw new CliFault(
          "refused",
          `there is a user ${JSON.stringify(name)} already; change it by passwd, tags and grant`,
        );
      const tags = options.tags ?? [];
      await api.send("PUT", path`/api/users/${name}`, { password: passwordOf(options), tags });
      printer.done(
        { name, tags },
        `user ${name} is there; troikamq user grant ${name} lets it into a virtual host`,
      );
    });
  withPassword(leaf("passwd", "change a password").argument("<name>")).action(
    async (name: string, options: PasswordOptions) => {
      const { api, printer } = sessionOf(options);
      const { tags } = await userNamed(api, name);
      await api.send("PUT", path`/api/users/${name}`, { password: passwordOf(options), tags });
      printer.done({ name, changed: true }, `user ${name} has a new password`);
    },
  );
  leaf("tags", "set the tags; without any, take them away")
    .argument("<name>")
    .argument("[tag...]", tagNames.join(", "), tagsIn, [])
    .action(async (name: string, tags: readonly string[], options: BrokerOptions) => {
      const { api, printer } = sessionOf(options);
      const { password_hash: hash, hashing_algorithm: algorithm } = await userNamed(api, name);
      await api.send("PUT", path`/api/users/${name}`, {
        password_hash: hash,
        hashing_algorithm: algorithm,
        tags,
      });
      printer.done({ name, tags }, `user ${name} has the tags ${tags.join(", ") || "none"}`);
    });
  leaf("rm", "delete one; its connections are closed")
    .argument("<name>")
    .action(async (name: string, options: BrokerOptions) => {
      const { api, printer } = sessionOf(options);
      await userNamed(api, name);
      await api.send("DELETE", path`/api/users/${name}`);
      printer.done({ name, deleted: true }, `user ${name} is deleted`);
    });
  leaf("grant", "give permissions in the virtual host: regular expressions for names")
    .argument("<name>")
    .argument("[pattern...]", "CONFIGURE WRITE READ, in the place of the options")
    .option("--configure <pattern>", "what it may make and delete [.*]")
    .option("--write <pattern>", "what it may publish to [.*]")
    .option("--read <pattern>", "what it may consume from [.*]")
    .action(async (name: string, patterns: readonly string[], options: GrantOptions) => {
      const { api, printer, target } = sessionOf(options);
      await userNamed(api, name);
      const { configure, write, read } = permissionsIn(patterns, options);
      if ((await api.find(path`/api/vhosts/${target.vhost}`)) === null) throw noVhost(target.vhost);
      await api.send("PUT", path`/api/permissions/${target.vhost}/${name}`, { configure, write, read });
      printer.done(
        { user: name, vhost: target.vhost, configure, write, read },
        `user ${name} may configure '${configure}', write '${write}' and read '${read}' in virtual host ${target.vhost}`,
      );
    });
  leaf("revoke", "take the permissions in the virtual host")
    .argument("<name>")
    .action(async (name: string, options: BrokerOptions) => {
      const { api, printer, target } = sessionOf(options);
      await userNamed(api, name);
      const at = path`/api/permissions/${target.vhost}/${name}`;
      if ((await api.find(at)) === null)
        throw new CliFault("notFound", `user ${name} has no permissions in virtual host ${target.vhost}`);
      await api.send("DELETE", at);
      printer.done(
        { user: name, vhost: target.vhost, revoked: true },
        `user ${name} has no permissions in virtual host ${target.vhost} any more`,
      );
    });
}
