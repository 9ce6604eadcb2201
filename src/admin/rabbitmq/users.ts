/**
 * Users: /api/users, /api/whoami.
 *
 * Not here: what users may do (permissions.ts, topic-permissions.ts), their limits (limits.ts), passwords (broker/access). Invariants: no
 * answer has a password, and its hash only an administrator sees; the last administrator stays one.
 */
import type { Broker } from "../../broker/broker.ts";
import { exportedPassword } from "../../broker/access/imported-password.ts";
import { passwordDigest } from "../../broker/access/password-hash.ts";
import type { UserList } from "../../broker/access/administrators.ts";
import { defaultUserName, newUser, type StoredPassword, type User } from "../../broker/access/users.ts";
import { any, array, looseObject, number, optional, record, string, union } from "valibot";
import { done, json, Refusal } from "../answers.ts";
import { mayAsk } from "../api/audience.ts";
import { badRequest } from "../api/body.ts";
import { endpoint, type Endpoint } from "../api/endpoint.ts";
import { type Fields, list, listQuery, plainListQuery } from "../api/list.ts";
import { type WantedUser, userIn } from "./users-bodies.ts";
import { bodyWith, userAt } from "./lookups.ts";
import { listPermissions, shownPermissions } from "./permissions.ts";
import { brokerName } from "./names.ts";

const userFields: Fields<User> = {
  name: ({ name }) => name,
  password_hash: (user) => exportedPassword(user).hash,
  hashing_algorithm: (user) => exportedPassword(user).algorithm,
  tags: ({ tags }) => tags,
  limits: ({ limits }) => limits,
};

function shownUser(user: User): object {
  return Object.fromEntries(Object.entries(userFields).map(([name, field]) => [name, field(user)]));
}

/** @throws Refusal */
function refuseLockOut({ access }: Broker, name: string, next: User | null, users?: UserList): void {
  const fault = access.lockOutFault(name, next, users);
  if (fault !== null) throw new Refusal(409, "conflict", fault);
}

/** The same user, with a password that is given as text hashed on another thread. */
async function hashed({ access }: Broker, wanted: WantedUser): Promise<WantedUser> {
  const { password } = wanted;
  if (password.kind !== "text") return wanted;
  const stored = await access.storedPasswordLater(passwordDigest(password.password));
  return { ...wanted, password: { kind: "stored", passwords: [stored] } };
}

/** What the user becomes, with `passwords` for one that is given as text. */
function userBecoming(
  before: User,
  { password, tags, limits }: WantedUser,
  passwords: (text: string) => readonly StoredPassword[],
): User {
  return {
    ...before,
    tags,
    ...(limits === undefined ? {} : { limits }),
    // As in RabbitMQ: a user without a password cannot log in.
    passwords:
      password.kind === "text"
        ? passwords(password.password)
        : password.kind === "stored"
          ? password.passwords
          : [],
    importedPassword: password.kind === "imported" ? password.imported : null,
  };
}

/** Makes the user, or changes it; false: it was there. @throws Refusal */
export function putUser(broker: Broker, name: string, wanted: WantedUser): boolean {
  const { access } = broker;
  const before = access.users.get(name);
  const user = userBecoming(before ?? newUser(name), wanted, (text) => [
    access.storedPassword(passwordDigest(text)),
  ]);
  refuseLockOut(broker, name, user);
  access.users.set(user);
  return before === undefined;
}

/** Some password: whether there is one is all that counts. */
const anyPassword: readonly StoredPassword[] = [{ salt: "", hash: "" }];

/** What the user would become among `users`, without a hash that can be compared. @throws Refusal, as `putUser` */
export function checkedUser(broker: Broker, users: UserList, name: string, wanted: WantedUser): User {
  const user = userBecoming(users.get(name) ?? newUser(name), wanted, () => anyPassword);
  refuseLockOut(broker, name, user, users);
  return user;
}

function deleteUser(broker: Broker, name: string): void {
  if (name === defaultUserName) throw badRequest("the user 'default' cannot be deleted");
  refuseLockOut(broker, name, null);
  broker.access.users.delete(name);
}

const nameOf = ({ name }: User): string => brokerName(name);

export const userEndpoints: readonly Endpoint[] = [
  endpoint({
    method: "GET",
    path: "/api/whoami",
    audience: "management",
    summary: "The user who asks.",
    run: ({ caller: { user } }) => json(200, { name: user!.name, tags: user!.tags }),
  }),
  endpoint({
    method: "GET",
    path: "/api/users",
    audience: "administrator",
    summary: "All users.",
    query: listQuery,
    run: ({ broker, query }) =>
      list(broker, query, { items: broker.access.users.all(), nameOf, fields: userFields }),
  }),
  // Before the path with a place, since the first that fits is taken.
  endpoint({
    method: "GET",
    path: "/api/users/without-permissions",
    audience: "administrator",
    summary: "Users without permissions in any virtual host.",
    query: listQuery,
    run: ({ broker, query }) => {
      const items = broker.access.users
        .all()
        .filter(({ name, permissions }) => name !== defaultUserName && Object.keys(permissions).length === 0);
      return list(broker, query, { items, nameOf, fields: userFields });
    },
  }),
  endpoint({
    method: "POST",
    path: "/api/users/bulk-delete",
    audience: "administrator",
    summary: 'Deletes users: {"users": [name, ...]}.',
    body: any(),
    shape: looseObject({ users: array(string()) }),
    run: ({ broker, body }) => {
      const { users } = bodyWith(body, ["users"]);
      if (!Array.isArray(users)) throw badRequest("users is no list of names");
      for (const name of users as unknown[]) {
        if (typeof name !== "string" || broker.access.users.get(name) === undefined)
          throw badRequest(["no_such_user", name]);
        deleteUser(broker, name);
      }
      return done(204);
    },
  }),
  endpoint({
    method: "GET",
    path: "/api/users/{name}",
    audience: "administrator",
    summary: "A user.",
    run: ({ broker, names }) => json(200, shownUser(userAt(broker, names["name"]!))),
  }),
  endpoint({
    method: "PUT",
    path: "/api/users/{name}",
    audience: "administrator",
    summary: "Makes a user, or changes its password and tags.",
    body: any(),
    shape: looseObject({
      tags: union([string(), array(string())]),
      password: optional(string()),
      password_hash: optional(string()),
      hashing_algorithm: optional(string()),
      limits: optional(record(string(), number())),
    }),
    run: async ({ broker, caller, names, body }) => {
      const name = names["name"]!;
      const wanted = await hashed(broker, userIn(name, bodyWith(body, [])));
      // The caller may be another by now.
      mayAsk(caller, "administrator");
      return done(putUser(broker, name, wanted) ? 201 : 204);
    },
  }),
  endpoint({
    method: "DELETE",
    path: "/api/users/{name}",
    audience: "administrator",
    summary: "Deletes a user and closes its connections.",
    run: ({ broker, names }) => {
      deleteUser(broker, userAt(broker, names["name"]!).name);
      return done(204);
    },
  }),
  endpoint({
    method: "GET",
    path: "/api/users/{name}/permissions",
    audience: "administrator",
    summary: "What a user may do, by virtual host.",
    query: plainListQuery,
    run: ({ broker, names, query }) =>
      listPermissions(broker, query, shownPermissions(userAt(broker, names["name"]!))),
  }),
];
