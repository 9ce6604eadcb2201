/** What is counted in a virtual host, for the fields of /api/vhosts. */
import type { Vhost } from "../../../broker/vhost.ts";
import type { Asked } from "../../api/endpoint.ts";
import type { Fields } from "../../api/list.ts";
import { totalCounters } from "../../../broker/rates.ts";
import { renewTotals } from "./node-facts.ts";
import { queueTotals, totalStats } from "../overview.ts";
import { spansOf, Stats } from "./stats.ts";

export async function vhostStatsFields({ broker, around, query }: Asked<never>): Promise<Fields<Vhost>> {
  await renewTotals(broker);
  const spans = spansOf(query);
  const totalsOf = ({ name }: Vhost) => broker.totals.ofVhost(name);
  const lengths = (vhost: Vhost) => queueTotals(broker, spans, totalsOf(vhost));
  const bytes = (vhost: Vhost) =>
    new Stats(broker, spans, totalCounters, totalsOf(vhost))
      .add("data_rates", "recv_oct", "bytesReceived")
      .add("data_rates", "send_oct", "bytesSent").shown;
  const made: Record<string, (vhost: Vhost) => unknown> = {
    cluster_state: () => ({ [around.nodeName]: "running" }),
    tracing: () => false,
    message_stats: (vhost) => totalStats(broker, spans, totalsOf(vhost)),
  };
  for (const name of ["messages", "messages_ready", "messages_unacknowledged"]) {
    made[name] = (vhost) => lengths(vhost)[name];
    made[`${name}_details`] = (vhost) => lengths(vhost)[`${name}_details`];
  }
  for (const name of ["recv_oct", "send_oct"]) {
    made[name] = (vhost) => bytes(vhost)[name];
    made[`${name}_details`] = (vhost) => bytes(vhost)[`${name}_details`];
  }
  return made;
}
