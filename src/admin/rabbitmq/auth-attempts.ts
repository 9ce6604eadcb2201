/** How often clients tried to log in, by protocol: /api/auth/attempts. By address and user it is not counted, as by RabbitMQ's default. */
import type { LoginProtocol } from "../../broker/access/access.ts";
import { done, json, Refusal } from "../answers.ts";
import { type Asked, endpoint, type Endpoint } from "../api/endpoint.ts";

/** RabbitMQ's names. */
const protocols: Readonly<Record<LoginProtocol, string>> = {
  http: "http",
  amqp: "amqp091",
  redis: "redis",
  kafka: "kafka",
};

/** @throws Refusal */
function assertNode({ names, around }: Asked<never>): void {
  if (names["node"] !== around.nodeName) throw Refusal.notFound();
}

function shownAttempts({ broker: { access } }: Asked<never>): object[] {
  return (Object.keys(protocols) as LoginProtocol[]).flatMap((protocol) => {
    const { succeeded, failed } = access.attempts[protocol];
    if (succeeded + failed === 0) return [];
    return [
      {
        protocol: protocols[protocol],
        auth_attempts: succeeded + failed,
        auth_attempts_failed: failed,
        auth_attempts_succeeded: succeeded,
      },
    ];
  });
}

function forget({ broker: { access } }: Asked<never>): void {
  for (const each of Object.values(access.attempts)) each.succeeded = each.failed = 0;
}

const paths = [
  ["/api/auth/attempts/{node}", "by protocol", shownAttempts],
  ["/api/auth/attempts/{node}/source", "by address and user: not counted", () => []],
] as const;

export const authAttemptEndpoints: readonly Endpoint[] = paths.flatMap(([path, by, shown]) => [
  endpoint({
    method: "GET",
    path,
    audience: "monitoring",
    summary: `Logins, ${by}.`,
    run: (asked) => {
      assertNode(asked as Asked<never>);
      return json(200, shown(asked as Asked<never>));
    },
  }),
  endpoint({
    method: "DELETE",
    path,
    audience: "administrator",
    summary: "Begins to count logins anew.",
    run: (asked) => {
      assertNode(asked as Asked<never>);
      forget(asked as Asked<never>);
      return done(204);
    },
  }),
]);
