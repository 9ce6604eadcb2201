/** `troikamq purge NAME`: tells what it would delete, with what waits for a retry; with --yes it does. What consumers hold stays. */
import type { Command } from "commander";
import { path } from "../broker/api.ts";
import { logNamed } from "../broker/named.ts";
import { CliFault } from "../fault.ts";
import { countText } from "../output/text.ts";
import { type BrokerOptions, examples, sessionOf, withBroker } from "../session.ts";

interface Options extends BrokerOptions {
  readonly yes?: true;
}

export function definePurge(command: Command): void {
  withBroker(command)
    .argument("<name>", "a queue")
    .option("--yes", "delete them; without it only their number is told")
    .addHelpText("after", examples("troikamq purge orders", "troikamq purge orders --yes"))
    .action(async (name: string, { yes, ...options }: Options) => {
      const { api, printer, target } = sessionOf(options);
      const { kind } = await logNamed(api, name);
      if (kind !== "queue")
        throw new CliFault(
          "refused",
          `${name} is a ${kind.replace("_", " ")}: its messages are dropped by its retention, not by purge`,
        );
      const at = path`/api/queues/${target.vhost}/${name}`;
      const {
        messages_ready: ready,
        messages_waiting: waiting = 0,
        messages_unacknowledged: held,
      } = await api.get<Record<string, number>>(at);
      if (yes === true) await api.send("DELETE", `${at}/contents`);
      const stay = held! > 0 ? `; ${countText(held!)} that consumers hold stay` : "";
      const count = ready! + waiting;
      const ofThese =
        waiting > 0 ? `, ${countText(waiting)} of which wait${waiting === 1 ? "s" : ""} for a retry` : "";
      const what = `${countText(count)} message${count === 1 ? "" : "s"} of queue ${JSON.stringify(name)} in virtual host ${JSON.stringify(target.vhost)}${ofThese}${stay}`;
      printer.done(
        { queue: name, vhost: target.vhost, messages: count, waiting, held, purged: yes === true },
        yes === true ? `deleted ${what}` : `would delete ${what}`,
      );
      if (yes !== true) printer.remark("nothing is deleted yet: add --yes");
    });
}
