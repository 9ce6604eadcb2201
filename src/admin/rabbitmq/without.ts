/** What a broker without shovels, federation and the stream protocol answers to questions about them: lists that are empty. */
import { json } from "../answers.ts";
import { visibleVhostAt } from "../api/audience.ts";
import { endpoint, type Endpoint } from "../api/endpoint.ts";

const lists: readonly (readonly [path: string, what: string])[] = [
  ["/api/shovels", "Shovels, of which there are none."],
  ["/api/federation-links", "Links of federation, of which there are none."],
  ["/api/stream/connections", "Connections of the stream protocol, which is not spoken."],
  ["/api/stream/consumers", "Consumers of the stream protocol, which is not spoken."],
  ["/api/stream/publishers", "Publishers of the stream protocol, which is not spoken."],
];

export const absentEndpoints: readonly Endpoint[] = lists.flatMap(([path, summary]) => [
  endpoint({ method: "GET", path, audience: "monitoring", summary, run: () => json(200, []) }),
  endpoint({
    method: "GET",
    path: `${path}/{vhost}`,
    audience: "monitoring",
    summary,
    run: ({ broker, caller, names }) => {
      visibleVhostAt(broker, caller, names["vhost"]!);
      return json(200, []);
    },
  }),
]);
