/**
 * All endpoints of the HTTP API, and the router over them. Loaded at the first request below /api/, so that a broker that nobody
 * administers pays nothing for it.
 */
import { version } from "../../base/version.ts";
import { json } from "../answers.ts";
import { authAttemptEndpoints } from "../rabbitmq/auth-attempts.ts";
import { bindingEndpoints } from "../rabbitmq/bindings.ts";
import { connectionEndpoints } from "../rabbitmq/connections.ts";
import { consumerEndpoints } from "../rabbitmq/consumers.ts";
import { exchangeEndpoints } from "../rabbitmq/exchanges.ts";
import { healthEndpoints } from "../rabbitmq/health.ts";
import { nodeEndpoints } from "../rabbitmq/nodes.ts";
import { overviewEndpoints } from "../rabbitmq/overview.ts";
import { definitionEndpoints } from "../rabbitmq/definitions.ts";
import { loginEndpoints } from "../rabbitmq/login.ts";
import { limitEndpoints } from "../rabbitmq/limits.ts";
import { parameterEndpoints } from "../rabbitmq/parameters.ts";
import { permissionEndpoints } from "../rabbitmq/permissions.ts";
import { policyEndpoints } from "../rabbitmq/policies.ts";
import { superStreamEndpoints } from "../rabbitmq/super-streams.ts";
import { topicPermissionEndpoints } from "../rabbitmq/topic-permissions.ts";
import { queueEndpoints } from "../rabbitmq/queues.ts";
import { userEndpoints } from "../rabbitmq/users.ts";
import { vhostEndpoints } from "../rabbitmq/vhosts.ts";
import { absentEndpoints } from "../rabbitmq/without.ts";
import { deadLetterEndpoints } from "../troika/deadletters.ts";
import { destinationEndpoints } from "../troika/destinations.ts";
import { explainEndpoints } from "../troika/explain.ts";
import { delayedEndpoints } from "../troika/delayed.ts";
import { traceEndpoints } from "../troika/trace.ts";
import { messageEndpoints } from "../troika/messages.ts";
import { operationEndpoints } from "../troika/operations.ts";
import { undoEndpoints } from "../troika/undo.ts";
import { replayEndpoints } from "../troika/replay.ts";
import { unroutableEndpoints } from "../troika/unroutable.ts";
import { endpoint, type Endpoint } from "./endpoint.ts";
import { ApiRouter } from "./router.ts";

const openApiEndpoint = endpoint({
  method: "GET",
  path: "/api/openapi.json",
  audience: "anyone",
  summary: "This document.",
  run: async () => {
    const { openApiOf } = await import("./openapi.ts");
    return json(200, openApiOf(endpoints, version));
  },
});

const endpoints: readonly Endpoint[] = [
  openApiEndpoint,
  ...userEndpoints,
  ...loginEndpoints,
  ...permissionEndpoints,
  ...topicPermissionEndpoints,
  ...policyEndpoints,
  ...parameterEndpoints,
  ...limitEndpoints,
  ...definitionEndpoints,
  ...vhostEndpoints,
  ...exchangeEndpoints,
  ...queueEndpoints,
  ...superStreamEndpoints,
  ...bindingEndpoints,
  ...connectionEndpoints,
  ...consumerEndpoints,
  ...overviewEndpoints,
  ...nodeEndpoints,
  ...healthEndpoints,
  ...authAttemptEndpoints,
  ...absentEndpoints,
  ...destinationEndpoints,
  ...explainEndpoints,
  ...traceEndpoints,
  ...messageEndpoints,
  ...deadLetterEndpoints,
  ...operationEndpoints,
  ...undoEndpoints,
  ...replayEndpoints,
  ...unroutableEndpoints,
  ...delayedEndpoints,
];

export const apiRouter = new ApiRouter(endpoints);
