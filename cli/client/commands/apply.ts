/**
 * `troikamq diff FILE` and `troikamq apply FILE`: what a file of definitions would change in the broker, and the change itself.
 *
 * Twice the same file changes nothing the second time. Exit code of `diff`: 1 where there is a difference, as diff(1).
 */
import type { Command } from "commander";
import type { DefinitionItem, Definitions } from "../../../src/base/definitions/document.ts";
import { withoutForeign } from "../../../src/base/definitions/foreign.ts";
import { type PlanAction, type PlannedChange, planOf } from "../../../src/base/definitions/plan.ts";
import { type Api, type Json, noVhost, path } from "../broker/api.ts";
import { carryOut } from "../definitions/carry-out.ts";
import { definitionsOf } from "../definitions/file.ts";
import { CliFault } from "../fault.ts";
import type { Printer } from "../output/printer.ts";
import { type Colour, coloured } from "../output/table.ts";
import { countText, visible } from "../output/text.ts";
import { answerNo, type BrokerOptions, examples, type Session, sessionOf, withBroker } from "../session.ts";

interface Options extends BrokerOptions {
  readonly prune?: true;
  readonly yes?: true;
}

/** A change, and of a deletion what goes with it. */
interface Change extends PlannedChange {
  readonly messages?: number;
}

interface Plan {
  readonly changes: readonly Change[];
  /** For people: what of the file is not planned. */
  readonly remarks: readonly string[];
}

const signs: Readonly<Record<PlanAction, readonly [sign: string, colour: Colour, words: string]>> = {
  add: ["+", "green", "to add"],
  change: ["~", "yellow", "to change"],
  delete: ["-", "red", "to delete"],
  conflict: ["!", "red", "in conflict"],
};

async function planned({ api, target }: Session, file: string, { prune, vhost }: Options): Promise<Plan> {
  const { kept: wanted, leftOut } = withoutForeign(await definitionsOf(file, target.vhost));
  const current = await api.get<Definitions>("/api/definitions");
  const { user } = target;
  const changes = planOf(current, wanted, { prunes: prune === true, vhost, user });
  await assertVhostsThere(api, current, wanted, changes);
  return {
    changes: await counted(api, changes),
    remarks: [...leftOut.map((line) => `left out: ${line}`), ...passwordRemark(changes, user)],
  };
}

/** The export has those only in which the user has permissions. @throws CliFault */
async function assertVhostsThere(
  api: Api,
  { vhosts: there = [] }: Definitions,
  { vhosts: wanted = [] }: Definitions,
  changes: readonly PlannedChange[],
): Promise<void> {
  const known = new Set<unknown>([...there, ...wanted].map(({ name }) => name));
  for (const { after } of changes) {
    const name = after?.["vhost"];
    if (typeof name !== "string" || known.has(name)) continue;
    known.add(name);
    if ((await api.find(path`/api/vhosts/${name}`)) === null) throw noVhost(name);
  }
}

/** What deletions take with them: two requests, whatever their number. */
async function counted(api: Api, changes: readonly PlannedChange[]): Promise<readonly Change[]> {
  const deletes = ({ action, category }: PlannedChange): boolean =>
    action === "delete" && (category === "queues" || category === "vhosts");
  if (!changes.some(deletes)) return changes;
  const columns = "name,vhost,messages";
  const [queues, vhosts] = await Promise.all(
    ["/api/queues", "/api/vhosts"].map((at) => api.get<readonly Json[]>(at, { columns })),
  );
  const counts = new Map(
    [...queues!, ...vhosts!].map(({ name, vhost, messages }) => [
      placeKey(name, vhost),
      Number(messages ?? 0),
    ]),
  );
  return changes.map((change) => {
    if (!deletes(change)) return change;
    const { name, vhost } = change.before!;
    return { ...change, messages: counts.get(placeKey(name, vhost)) ?? 0 };
  });
}

/** A virtual host is in none. */
function placeKey(name: unknown, vhost: unknown): string {
  return JSON.stringify([vhost ?? null, name]);
}

function passwordRemark(changes: readonly PlannedChange[], user: string): string[] {
  const isOwn = ({ category, action, after, fields }: PlannedChange): boolean =>
    category === "users" &&
    action === "change" &&
    after!["name"] === user &&
    (fields.includes("password_hash") || after!["password"] !== undefined);
  if (!changes.some(isOwn)) return [];
  return [
    `the file changes the password of user '${user}', as whom this command is logged in: log in with that of the file afterwards`,
  ];
}

const secrets = new Set(["password", "password_hash"]);

/** Without what nobody should read in a log. */
function shownItem(item: DefinitionItem | null): DefinitionItem | null {
  if (item === null) return null;
  return Object.fromEntries(Object.entries(item).filter(([key]) => !secrets.has(key)));
}

function shownChange({ category, action, called, fields, before, after, messages }: Change): object {
  const item = { action, category, called, fields, before: shownItem(before), after: shownItem(after) };
  return messages === undefined ? item : { ...item, messages };
}

function messagesText(count: number): string {
  return `${countText(count)} message${count === 1 ? "" : "s"}`;
}

function fieldText(field: string, before: DefinitionItem, after: DefinitionItem): string {
  if (secrets.has(field)) return `    ${field}: another one\n`;
  const text = (item: DefinitionItem): string => visible(JSON.stringify(item[field]) ?? "(none)");
  return `    ${field}: ${text(before)} -> ${text(after)}\n`;
}

function show(printer: Printer, { changes, remarks }: Plan): void {
  for (const line of remarks) printer.remark(visible(line));
  if (printer.format !== "table") {
    printer.list(changes.map(shownChange), [], "");
    return;
  }
  const counts: Record<PlanAction, number> = { add: 0, change: 0, delete: 0, conflict: 0 };
  for (const { action, called, fields, before, after, messages = 0 } of changes) {
    counts[action]++;
    const [sign, colour] = signs[action];
    printer.text(
      `${coloured(printer.screen, colour, `${sign} ${visible(called)}`)}${messages > 0 ? `: ${messagesText(messages)}` : ""}\n`,
    );
    if (before !== null && after !== null)
      printer.text(fields.map((field) => fieldText(field, before, after)).join(""));
  }
  if (changes.length === 0) {
    printer.text("the broker has all of it already\n");
    return;
  }
  const summary = Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([action, count]) => `${count} ${signs[action as PlanAction][2]}`);
  printer.text(`${summary.join(", ")}\n`);
}

/** @throws CliFault */
function assertNoConflict(changes: readonly PlannedChange[]): void {
  const conflicts = changes.filter(({ action }) => action === "conflict");
  if (conflicts.length === 0) return;
  throw new CliFault(
    "refused",
    `nothing is changed: ${conflicts.map(({ called }) => called).join(", ")} cannot be changed, only deleted and made again`,
  );
}

/** @throws CliFault */
function assertMayDelete(changes: readonly Change[], { yes }: Options): void {
  const full = changes.filter(({ messages = 0 }) => messages > 0);
  if (full.length === 0 || yes === true) return;
  const what = full.map(({ called, messages }) => `${called} with ${messagesText(messages!)}`);
  throw new CliFault(
    "refused",
    `nothing is changed: the plan deletes ${what.join(", ")}; add --yes to delete them`,
  );
}

function withFile(command: Command): Command {
  return withBroker(command)
    .argument("<file>", "definitions: RabbitMQ's JSON, or the same as YAML; - is stdin")
    .option(
      "--prune",
      "delete what the file does not have, in the categories that it has; with --vhost in that virtual host only",
    );
}

export function defineApply(command: Command): void {
  withFile(command)
    .option("--yes", "delete queues and streams that hold messages too")
    .addHelpText(
      "after",
      examples(
        "troikamq apply definitions.json",
        "troikamq apply broker.yaml --vhost staging",
        "troikamq export --context old | troikamq apply - --context new",
      ),
    )
    .action(async (file: string, options: Options) => {
      const session = sessionOf(options);
      const plan = await planned(session, file, options);
      const { changes } = plan;
      show(session.printer, plan);
      assertNoConflict(changes);
      assertMayDelete(changes, options);
      await carryOut(session.api, changes);
      if (changes.length > 0 && session.printer.format === "table") session.printer.text("applied\n");
    });
}

export function defineDiff(command: Command): void {
  withFile(command)
    .addHelpText(
      "after",
      examples("troikamq diff broker.yaml", "troikamq diff broker.yaml --prune -o ndjson"),
    )
    .action(async (file: string, options: Options) => {
      const session = sessionOf(options);
      const plan = await planned(session, file, options);
      show(session.printer, plan);
      if (plan.changes.length > 0) answerNo();
    });
}
