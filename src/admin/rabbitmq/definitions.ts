/** Definitions, whole or of one virtual host: /api/definitions. What is in them: ../definitions/. */
import { resultOf } from "../../base/turn-work.ts";
import { any, looseObject } from "valibot";
import { definitionsIn } from "../../base/definitions/document.ts";
import { limits } from "../../base/limits.ts";
import type { Vhost } from "../../broker/vhost.ts";
import { done } from "../answers.ts";
import { mayAsk, seenVhosts } from "../api/audience.ts";
import { badRequest } from "../api/body.ts";
import { type Answer, type Asked, endpoint, type Endpoint } from "../api/endpoint.ts";
import { exportAll, exportVhost } from "../definitions/export.ts";
import { withHashes } from "../definitions/passwords.ts";
import { importing } from "../definitions/import.ts";
import { changedVhostAt, namedVhost } from "./lookups.ts";

function asFile(answer: Answer, query: URLSearchParams): Answer {
  const file = query.get("download");
  // A name with a line feed would add a header.
  if (file === null || !/^[\w. -]*$/.test(file)) return answer;
  return { ...answer, headers: { "content-disposition": `attachment; filename=${file}` } };
}

async function imported(
  { broker, caller, body, around }: Asked<unknown>,
  vhost: Vhost | null,
): Promise<Answer> {
  const given = definitionsIn(body);
  if (typeof given === "string") throw badRequest("failed_to_parse_json");
  const document = vhost === null ? await withHashes(broker, given) : given;
  // Hashes may have taken long: the caller may be another by now.
  mayAsk(caller, "administrator");
  await resultOf(broker.work, importing(broker, document, { vhost, caller, queueFault: around.queueFault }));
  for (const each of broker.vhosts.values()) await each.policies.applied();
  return done(204);
}

function wholeAt(path: string): Endpoint[] {
  return [
    endpoint({
      method: "GET",
      path,
      audience: "administrator",
      summary:
        "Users, virtual hosts, permissions, policies, parameters, queues, exchanges and bindings, as RabbitMQ exports them.",
      query: { download: "the name of the file that a browser keeps it in" },
      run: async ({ broker, caller, query }) =>
        asFile(await resultOf(broker.work, exportAll(broker, seenVhosts(broker, caller))), query),
    }),
    endpoint({
      method: "POST",
      path,
      audience: "administrator",
      summary:
        "Makes what a document of definitions says, whose queues, exchanges and bindings that are there stay as they are.",
      body: any(),
      shape: looseObject({}),
      bodyBytesMax: limits.definitionsBytesMax,
      bodyDepthMax: limits.definitionsDepthMax,
      run: (asked) => imported(asked, null),
    }),
  ];
}

export const definitionEndpoints: readonly Endpoint[] = [
  ...wholeAt("/api/definitions"),
  // RabbitMQ's older name of it.
  ...wholeAt("/api/all-configuration"),
  endpoint({
    method: "GET",
    path: "/api/definitions/{vhost}",
    audience: "administrator",
    summary: "The same of one virtual host: what is in it.",
    query: { download: "the name of the file that a browser keeps it in" },
    run: async ({ broker, names, query }) => {
      const vhost = namedVhost(broker, names["vhost"]!);
      if (vhost === undefined) throw badRequest("vhost_not_found");
      return asFile(await resultOf(broker.work, exportVhost(broker, vhost)), query);
    },
  }),
  endpoint({
    method: "POST",
    path: "/api/definitions/{vhost}",
    audience: "administrator",
    summary: "The same in one virtual host.",
    body: any(),
    shape: looseObject({}),
    bodyBytesMax: limits.definitionsBytesMax,
    bodyDepthMax: limits.definitionsDepthMax,
    run: (asked) => imported(asked, changedVhostAt(asked.broker, asked.caller, asked.names["vhost"]!)),
  }),
];
