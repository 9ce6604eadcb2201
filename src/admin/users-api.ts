/**
 * Users and their permissions over HTTP, as RabbitMQ's management API has them (a slice of it):
 *
 *     GET    /api/whoami
 *     GET    /api/users                       PUT, GET, DELETE /api/users/NAME     {"password": "…", "tags": "administrator"}
 *     GET    /api/permissions                 PUT, GET, DELETE /api/permissions/VHOST/NAME
 *     GET    /api/vhosts                      PUT, GET /api/vhosts/NAME
 *     GET    /api/users/NAME/permissions      {"configure": ".*", "write": ".*", "read": ".*"}
 *
 * For administrators only, always with a password. Not here: who asks (authorization.ts), what a body may say
 * (users-bodies.ts), what permissions come to (broker/access). Invariant: a change is answered when it is on the disk; no answer has a password or its hash.
 */
import type { HttpText, HttpRequest } from "../base/http.ts";
import { limits } from "../base/limits.ts";
import type { Authorization } from "../broker/access/permissions.ts";
import { passwordDigest } from "../broker/access/password-hash.ts";
import { everyName, newUser, type User } from "../broker/access/users.ts";
import type { Broker } from "../broker/broker.ts";
import type { Vhost } from "../broker/vhost.ts";
import { done, json, notFound, refuse, Refusal } from "./answers.ts";
import { badRequest, permissionsIn, readObject, userIn, type WantedUser } from "./users-bodies.ts";

/** The parts of the broker that are needed here. */
export type Administered = Pick<
  Broker,
  "access" | "addVhost" | "vhost" | "vhosts" | "sync" | "hasUnwrittenDefinitions"
>;

interface Asked {
  readonly broker: Administered;
  readonly caller: Authorization;
  readonly method: string;
  /** What stands behind the route's own words, decoded. */
  readonly names: readonly string[];
  readonly request: HttpRequest;
}

type Route = (asked: Asked) => HttpText | Promise<HttpText>;

/** By the path's words, a name as `*`. */
const routes: Readonly<Record<string, Route>> = {
  whoami: ({ caller }) => json(200, shownUser(caller.user!)),
  users: ({ broker }) => json(200, broker.access.users.all().map(shownUser)),
  "users/*": oneUser,
  "users/*/permissions": ({ broker, names }) => {
    const user = broker.access.users.get(names[0]!);
    return user === undefined ? noUser(names[0]!) : json(200, shownPermissions(user));
  },
  vhosts: ({ broker }) => json(200, [...broker.vhosts.values()].filter(isShown).map(shownVhost)),
  "vhosts/*": oneVhost,
  permissions: ({ broker }) => json(200, broker.access.users.all().flatMap(shownPermissions)),
  "permissions/*/*": onePermission,
};

/** What can be done besides reading. */
const changing: Readonly<Record<string, readonly string[]>> = {
  "users/*": ["PUT", "DELETE"],
  "permissions/*/*": ["PUT", "DELETE"],
  "vhosts/*": ["PUT"],
};

/** Answers what is below /api/; undefined: it is none of these. */
export async function usersApi(
  broker: Administered,
  caller: Authorization,
  request: HttpRequest,
  path: string,
): Promise<HttpText | undefined> {
  const words = path.split("/").slice(2);
  const found = Object.keys(routes).find((pattern) => fits(pattern, words));
  if (found === undefined) return undefined;
  const { method } = request;
  const isRead = method === "GET" || method === "HEAD";
  const others = changing[found] ?? [];
  if (!isRead && !others.includes(method)) {
    const allow = ["GET", "HEAD", ...others].join(", ");
    return { ...refuse(405, "method_not_allowed", `${path} takes ${allow}`), headers: { allow } };
  }
  const names = decodedNames(found, words);
  if (names === null) return refuse(400, "bad_request", "a name in the path is not percent-encoded UTF-8");
  try {
    const answer = await routes[found]!({ broker, caller, method, names, request });
    // Also what only looks: it may have seen what another has changed.
    if (broker.hasUnwrittenDefinitions && !(await broker.sync())) throw unwritten();
    return answer;
  } catch (error) {
    if (error instanceof Refusal) return error.answer;
    throw error;
  }
}

/** @throws Refusal where the disk takes nothing for so long; it is written when the disk does, unless the broker ends before */
async function written(broker: Administered): Promise<void> {
  if (!(await broker.sync())) throw unwritten();
}

function unwritten(): Refusal {
  return new Refusal(
    503,
    "unavailable",
    "the journal cannot be written; see the server's log, and ask again",
  );
}

function fits(pattern: string, words: readonly string[]): boolean {
  const wanted = pattern.split("/");
  return wanted.length === words.length && wanted.every((word, i) => word === "*" || word === words[i]);
}

function decodedNames(pattern: string, words: readonly string[]): string[] | null {
  try {
    return words.filter((_, i) => pattern.split("/")[i] === "*").map(decodeURIComponent);
  } catch {
    return null;
  }
}

function noUser(name: string): HttpText {
  return notFound(`there is no user '${name}'`);
}

function noVhost(name: string): HttpText {
  return notFound(`there is no virtual host '${name}'`);
}

/** Of a virtual host: the broker's names are latin1 strings of their bytes. */
function brokerName(name: string): string {
  return Buffer.from(name).toString("latin1");
}

function shownName(name: string): string {
  return Buffer.from(name, "latin1").toString();
}

function shownUser({ name, tags }: User): object {
  return { name, tags };
}

function shownPermissions({ name, permissions }: User): object[] {
  return Object.entries(permissions).map(([vhost, { configure, write, read }]) => ({
    user: name,
    vhost: shownName(vhost),
    configure,
    write,
    read,
  }));
}

/** Redis's other databases are virtual hosts that no other protocol can name. */
function isShown({ name }: Vhost): boolean {
  return !name.startsWith("\0");
}

function shownVhost({ name }: Vhost): object {
  return { name: shownName(name) };
}

/** The user who makes a virtual host may do everything there, as in RabbitMQ. */
async function oneVhost({ broker, caller, method, names }: Asked): Promise<HttpText> {
  const name = brokerName(names[0]!);
  const vhost = broker.vhost(name);
  if (method !== "PUT") {
    return vhost === undefined || !isShown(vhost) ? noVhost(names[0]!) : json(200, shownVhost(vhost));
  }
  if (name === "" || name.includes("\0") || name.length > limits.nameBytesMax) {
    return refuse(400, "bad_request", `a virtual host has a name of 1 to ${limits.nameBytesMax} bytes`);
  }
  if (!broker.addVhost(name)) return done(204);
  const user = caller.user!;
  broker.access.users.set({ ...user, permissions: { ...user.permissions, [name]: everyName } });
  await written(broker);
  return done(201);
}

async function oneUser({ broker, method, names, request }: Asked): Promise<HttpText> {
  const { users } = broker.access;
  const name = names[0]!;
  const user = users.get(name);
  if (method === "PUT") return putUser(broker, name, userIn(name, await readObject(request)));
  if (user === undefined) return noUser(name);
  if (method !== "DELETE") return json(200, shownUser(user));
  if (name === "default") throw badRequest("the user 'default' cannot be deleted");
  refuseLockOut(broker, name, null);
  users.delete(name);
  await written(broker);
  return done(204);
}

function refuseLockOut(broker: Administered, name: string, next: User | null): void {
  const fault = broker.access.lockOutFault(name, next);
  if (fault !== null) throw new Refusal(409, "conflict", fault);
}

async function putUser(
  broker: Administered,
  name: string,
  { password, tags }: WantedUser,
): Promise<HttpText> {
  const { access } = broker;
  const before = access.users.get(name);
  const user = {
    ...(before ?? newUser(name)),
    tags,
    // As in RabbitMQ: a user without a password cannot log in.
    passwords: password === "" ? [] : [access.storedPassword(passwordDigest(password))],
  };
  refuseLockOut(broker, name, user);
  access.users.set(user);
  await written(broker);
  return done(before === undefined ? 201 : 204);
}

async function onePermission({ broker, method, names, request }: Asked): Promise<HttpText> {
  const [vhost, name] = [brokerName(names[0]!), names[1]!];
  const { users } = broker.access;
  // Before anything is looked at: the user may change while the body comes.
  const body = method === "PUT" ? await readObject(request) : null;
  const user = users.get(name);
  if (user === undefined) return noUser(name);
  const found = broker.vhost(vhost);
  if (found === undefined || !isShown(found)) return noVhost(names[0]!);
  const before = Object.hasOwn(user.permissions, vhost) ? user.permissions[vhost] : undefined;
  if (body !== null) {
    const given = permissionsIn(names[0]!, name, body);
    users.set({ ...user, permissions: { ...user.permissions, [vhost]: given } });
    await written(broker);
    return done(before === undefined ? 201 : 204);
  }
  if (before === undefined)
    return notFound(`user '${name}' has no permissions in virtual host '${names[0]!}'`);
  if (method !== "DELETE") return json(200, { user: name, vhost: shownName(vhost), ...before });
  const { [vhost]: _, ...left } = user.permissions;
  users.set({ ...user, permissions: left });
  await written(broker);
  return done(204);
}
