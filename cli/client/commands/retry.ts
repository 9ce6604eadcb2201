/**
 * `troikamq retry NAME`: the dead letters of a queue or stream go back to where they died. `troikamq operations`: what was started so, and how
 * far it is. `troikamq undo ID`: what nobody has got yet goes back to the dead letters.
 *
 * Not here: moving them (src/broker/operations/). What takes long goes on in the broker, whether or not the command waits for it.
 */
import type { Command } from "commander";
import { type Api, path } from "../broker/api.ts";
import { destinationsNamed, isLog } from "../broker/named.ts";
import { ended } from "../broker/operation.ts";
import { wholeNumber } from "../numbers.ts";
import type { Column } from "../output/table.ts";
import { countText } from "../output/text.ts";
import { answerNo, type BrokerOptions, examples, sessionOf, withBroker } from "../session.ts";

interface Operation {
  readonly id: string;
  readonly kind: string;
  readonly state: string;
  readonly vhost: string;
  readonly source: string;
  readonly matched: number;
  readonly moved: number;
  readonly unroutable: number;
  readonly full?: number;
  readonly refused?: number;
  readonly error?: string;
  readonly undoes?: string;
  readonly dry_run?: true;
  readonly started_by: string;
  readonly started_at: number;
}

function kindText({ kind, undoes, dry_run: isDry }: Operation): string {
  return `${kind}${undoes === undefined ? "" : ` of ${undoes}`}${isDry === true ? " (dry run)" : ""}`;
}

const columns: readonly Column<Operation>[] = [
  { head: "ID", cell: ({ id }) => id },
  { head: "KIND", cell: kindText },
  { head: "STATE", cell: ({ state }) => state },
  { head: "FROM", cell: ({ source }) => source },
  { head: "VHOST", cell: ({ vhost }) => vhost },
  { head: "MATCHED", cell: ({ matched }) => matched },
  { head: "MOVED", cell: ({ moved }) => moved },
  { head: "STARTED", cell: ({ started_at: at }) => new Date(at).toISOString() },
  { head: "BY", cell: ({ started_by: by }) => by },
];

function lettersText(count: number): string {
  return `${countText(count)} dead letter${count === 1 ? "" : "s"}`;
}

/** What an undo has found it says in its first answer. */
const undoWaitMs = 30_000;

function stayedText({ unroutable, full = 0, refused = 0 }: Operation): string {
  const stayed = [
    ...(unroutable > 0 ? [`${countText(unroutable)} with no place to go back to`] : []),
    ...(full > 0 ? [`${countText(full)} whose place has no room`] : []),
    ...(refused > 0 ? [`${countText(refused)} whose place you may not write to`] : []),
  ];
  return stayed.length === 0 ? "" : `; still there: ${stayed.join(", ")}`;
}

const homesAskedMax = 20;
const homesNamedMax = 3;

interface Home {
  readonly name: string;
  readonly group?: string;
}

/** Where the letters of that place died, as far as it is not there any more. */
async function goneHomes(api: Api, place: string): Promise<readonly string[]> {
  const { vhost } = api.target;
  const { groups } = await api.get<{
    readonly groups: readonly { readonly queue: string; readonly origin: Home | null }[];
  }>("/api/troika/deadletters", { vhost });
  const homes = new Map<string, Home>();
  for (const { queue, origin } of groups)
    if (queue === place && origin !== null) homes.set(`${origin.name}\n${origin.group ?? ""}`, origin);
  const gone: string[] = [];
  for (const { name, group } of [...homes.values()].slice(0, homesAskedMax)) {
    const found = await destinationsNamed(api, name);
    const isThere = found.some(isLog) || (await api.find(path`/api/queues/${vhost}/${name}`)) !== null;
    if (!isThere) gone.push(`no queue or stream ${JSON.stringify(name)}`);
    else if (group !== undefined)
      gone.push(`perhaps of group ${JSON.stringify(group)} of ${JSON.stringify(name)}`);
  }
  return gone;
}

/** What to do with letters that cannot go home. */
async function adviceOf(api: Api, place: string): Promise<string> {
  const gone = await goneHomes(api, place).catch((): readonly string[] => []);
  const shown = gone.slice(0, homesNamedMax).join(", ");
  const others = gone.length > homesNamedMax ? `, and ${gone.length - homesNamedMax} more` : "";
  const why =
    gone.length === 0 ? "where they died is gone, or they do not say where" : `there is ${shown}${others}`;
  return `${why}: make it again and retry, or copy them elsewhere: troikamq replay ${place} --to OTHER`;
}

interface RetryOptions extends BrokerOptions {
  readonly filter?: string;
  readonly limit?: number;
  readonly rate?: number;
  readonly dryRun?: true;
  readonly wait: boolean;
}

export function defineRetry(command: Command): void {
  withBroker(command)
    .argument("<name>", "a queue or stream with dead letters, such as orders.dead")
    .option("--filter <conditions>", "only those, such as 'reason = rejected and header.tries < 9'")
    .option("--limit <n>", "so many at most", wholeNumber(1))
    .option("--rate <n>", "so many a second at most [10000]", wholeNumber(1))
    .option("--dry-run", "only count them")
    .option("--no-wait", "leave it to the broker: see troikamq operations")
    .addHelpText(
      "after",
      examples(
        "troikamq retry orders.dead --dry-run",
        "troikamq retry orders.dead --limit 10",
        "troikamq retry orders.dead --filter 'time > 2026-01-31T12:00Z' --rate 500",
      ),
    )
    .action(async (name: string, { filter, limit, rate, dryRun, wait, ...options }: RetryOptions) => {
      const { api, printer, target } = sessionOf(options);
      const body = { vhost: target.vhost, queue: name, filter, limit, rate, dry_run: dryRun === true };
      const at = "/api/troika/deadletters/retry?wait=0";
      const { operation: id } = await api.send<{ operation: string }>("POST", at, body);
      const found = wait
        ? await ended<Operation>({ api, printer }, id, dryRun === true ? "counted" : "moved")
        : await api.get<Operation>(path`/api/troika/operations/${id}`);
      const { state, matched, moved, error } = found;
      const movable = matched - found.unroutable - (found.full ?? 0) - (found.refused ?? 0);
      const said =
        dryRun === true
          ? `would move ${countText(movable)} of ${lettersText(matched)} home`
          : `moved ${lettersText(moved)} home${state === "running" ? " so far" : ""}`;
      printer.done({ ...found }, `${said}${stayedText(found)}`);
      if (found.unroutable > 0) printer.remark(await adviceOf(api, name));
      if (state === "failed") {
        printer.remark(`it has failed: ${error ?? ""}`);
        answerNo();
      } else if (state === "running")
        printer.remark(`it goes on as operation ${id}; to end it: troikamq operations --cancel ${id}`);
      else if (dryRun !== true && moved > 0)
        printer.remark(`take back what nobody has got yet: troikamq undo ${id}`);
      // A script is told by the exit code that letters stay.
      if (dryRun !== true && state !== "running" && stayedText(found) !== "") answerNo();
    });
}

export function defineUndo(command: Command): void {
  withBroker(command)
    .argument("<id>", "of troikamq retry, see troikamq operations")
    .addHelpText("after", examples("troikamq undo 3-1f9c04aa"))
    .action(async (undone: string, options: BrokerOptions) => {
      const { api, printer } = sessionOf(options);
      const at = path`/api/troika/operations/${undone}/undo`;
      const slow = setTimeout(
        () => printer.remark("it goes on in the broker, also if you leave: see troikamq operations"),
        1000,
      );
      const begun = await api
        .send<Undone>("POST", `${at}?wait=${undoWaitMs}`)
        .finally(() => clearTimeout(slow));
      const {
        matched: found,
        moved,
        state,
        error,
      } = await ended<Operation>({ api, printer }, begun.operation, "taken back");
      const consumed = begun.consumed === null ? "" : `; ${countText(begun.consumed)} consumed`;
      const held =
        found > moved
          ? `; ${countText(found - moved)} stay: a consumer has them, or may have read them, or there is no room`
          : "";
      printer.done(
        { ...begun, state, found, taken_back: moved },
        `took ${lettersText(moved)} back${consumed}${held}`,
      );
      if (state !== "failed") return;
      printer.remark(`it has failed: ${error ?? ""}; the same undo again goes on`);
      answerNo();
    });
}

interface Undone {
  readonly operation: string;
  readonly consumed: number | null;
}

interface ListOptions extends BrokerOptions {
  readonly cancel?: string;
}

export function defineOperations(command: Command): void {
  withBroker(command)
    .option("--cancel <id>", "end the one of that id where it stands")
    .addHelpText("after", examples("troikamq operations", "troikamq operations --cancel 3-1f9c04aa"))
    .action(async ({ cancel, ...options }: ListOptions) => {
      const { api, printer } = sessionOf(options);
      if (cancel !== undefined) {
        const { moved, ...others } = await api.send<Operation>(
          "POST",
          path`/api/troika/operations/${cancel}/cancel`,
        );
        printer.done(
          { moved, ...others },
          `operation ${cancel} is ${others.state}; ${countText(moved)} moved`,
        );
        return;
      }
      const query = options.vhost === undefined ? {} : { vhost: options.vhost };
      const all = await api.get<Operation[]>("/api/troika/operations", query);
      printer.list(all, columns, "no operation was started");
    });
}
