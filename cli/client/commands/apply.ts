/**
 * `troikamq diff FILE` and `troikamq apply FILE`: what a file of definitions would change in the broker, and the change itself.
 *
 * Twice the same file changes nothing the second time. Exit code of `diff`: 1 where there is a difference, as diff(1).
 */
import type { Command } from "commander";
import type { DefinitionItem, Definitions } from "../../../src/base/definitions/document.ts";
import { type PlanAction, type PlannedChange, planOf } from "../../../src/base/definitions/plan.ts";
import { carryOut } from "../definitions/carry-out.ts";
import { definitionsOf } from "../definitions/file.ts";
import { CliFault } from "../fault.ts";
import type { Printer } from "../output/printer.ts";
import { type Colour, coloured } from "../output/table.ts";
import { visible } from "../output/text.ts";
import { answerNo, type BrokerOptions, examples, type Session, sessionOf, withBroker } from "../program.ts";

interface Options extends BrokerOptions {
  readonly prune?: true;
}

const signs: Readonly<Record<PlanAction, readonly [sign: string, colour: Colour, words: string]>> = {
  add: ["+", "green", "to add"],
  change: ["~", "yellow", "to change"],
  delete: ["-", "red", "to delete"],
  conflict: ["!", "red", "in conflict"],
};

async function planned({ api, target }: Session, file: string, { prune }: Options): Promise<PlannedChange[]> {
  const wanted = await definitionsOf(file, target.vhost);
  const current = await api.get<Definitions>("/api/definitions");
  return planOf(current, wanted, { prunes: prune === true });
}

const secrets = new Set(["password", "password_hash"]);

/** Without what nobody should read in a log. */
function shownItem(item: DefinitionItem | null): DefinitionItem | null {
  if (item === null) return null;
  return Object.fromEntries(Object.entries(item).filter(([key]) => !secrets.has(key)));
}

function shownChange({ category, action, called, fields, before, after }: PlannedChange): object {
  return { action, category, called, fields, before: shownItem(before), after: shownItem(after) };
}

function fieldText(field: string, before: DefinitionItem, after: DefinitionItem): string {
  if (secrets.has(field)) return `    ${field}: another one\n`;
  const text = (item: DefinitionItem): string => visible(JSON.stringify(item[field]) ?? "(none)");
  return `    ${field}: ${text(before)} -> ${text(after)}\n`;
}

function show(printer: Printer, changes: readonly PlannedChange[]): void {
  if (printer.format !== "table") {
    printer.list(changes.map(shownChange), [], "");
    return;
  }
  const counts: Record<PlanAction, number> = { add: 0, change: 0, delete: 0, conflict: 0 };
  for (const { action, called, fields, before, after } of changes) {
    counts[action]++;
    const [sign, colour] = signs[action];
    printer.text(`${coloured(printer.screen, colour, `${sign} ${visible(called)}`)}\n`);
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

function withFile(command: Command): Command {
  return withBroker(command)
    .argument("<file>", "definitions: RabbitMQ's JSON, or the same as YAML; - is stdin")
    .option("--prune", "delete what the file does not have, in the categories that it has");
}

export function defineApply(command: Command): void {
  withFile(command)
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
      const changes = await planned(session, file, options);
      show(session.printer, changes);
      assertNoConflict(changes);
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
      const changes = await planned(session, file, options);
      show(session.printer, changes);
      if (changes.length > 0) answerNo();
    });
}
