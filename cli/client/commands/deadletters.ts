/** `troikamq deadletters`: which dead letters there are, by why and where they died, and the queue or stream in which they lie. */
import type { Command } from "commander";
import type { Column } from "../output/table.ts";
import { countText } from "../output/text.ts";
import { type BrokerOptions, examples, sessionOf, withBroker } from "../session.ts";

interface Group {
  readonly vhost: string;
  readonly queue: string;
  readonly reason: string | null;
  readonly origin: { readonly kind: string; readonly name: string; readonly group?: string } | null;
  readonly count: number;
  readonly first: number;
  readonly last: number;
}

interface Found {
  readonly groups: readonly Group[];
  readonly places_refused: number;
  readonly is_complete: boolean;
}

const columns: readonly Column<Group>[] = [
  { head: "LIE IN", cell: ({ queue }) => queue },
  { head: "VHOST", cell: ({ vhost }) => vhost },
  { head: "REASON", cell: ({ reason }) => reason },
  { head: "DIED IN", cell: ({ origin }) => (origin === null ? null : originText(origin)) },
  { head: "COUNT", cell: ({ count }) => count },
  { head: "FIRST", cell: ({ first }) => new Date(first).toISOString() },
  { head: "LAST", cell: ({ last }) => new Date(last).toISOString() },
];

function originText({ name, group }: NonNullable<Group["origin"]>): string {
  return group === undefined ? name : `${name}, group ${group}`;
}

export function defineDeadletters(command: Command): void {
  withBroker(command)
    .addHelpText("after", examples("troikamq deadletters", "troikamq deadletters -o json | jq '.[].hours'"))
    .action(async (options: BrokerOptions) => {
      const { api, printer } = sessionOf(options);
      const query = options.vhost === undefined ? {} : { vhost: options.vhost };
      const found = await api.get<Found>("/api/troika/deadletters", query);
      printer.list(found.groups, columns, "there are no dead letters");
      if (!found.is_complete)
        printer.remark(
          "there are more than one look goes through: ask again, and the counts go on from here",
        );
      const { places_refused: refused } = found;
      if (refused > 0)
        printer.remark(
          `${countText(refused)} more queue${refused === 1 ? "" : "s"} of dead letters, which you may not read`,
        );
    });
}
