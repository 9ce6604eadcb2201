/**
 * POST /api/login: whether a name and a password are right, as RabbitMQ's page asks it.
 *
 * The answer sets RabbitMQ's cookie, which nothing here ever reads (authorization.ts): a page takes the password out of it for its
 * requests. Invariant: it is set only for who has just sent the password.
 */
import { looseObject, optional, string } from "valibot";
import { json, Refusal } from "../answers.ts";
import { mayAsk } from "../api/audience.ts";
import { endpoint, type Endpoint } from "../api/endpoint.ts";
import { logIn } from "../authorization.ts";

export const loginEndpoints: readonly Endpoint[] = [
  endpoint({
    method: "POST",
    path: "/api/login",
    audience: "anyone",
    summary: "Whether the name and the password are right; the form has username and password.",
    body: looseObject({ username: optional(string(), ""), password: optional(string(), "") }),
    bodyType: "form",
    run: async ({ broker, body: { username: name, password }, remoteHost }) => {
      const user = await logIn(broker.access, { name, password, remoteHost });
      if (user === null) throw new Refusal(401, "not_authorized", "Login failed");
      mayAsk(user, "management");
      const value = Buffer.from(`${name}:${password}`).toString("base64");
      return { ...json(200, "ok"), headers: { "set-cookie": `auth=${value}; Version=1` } };
    },
  }),
];
