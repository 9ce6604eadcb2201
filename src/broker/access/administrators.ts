/**
 * Finds changes of users that would lock everybody out: after them no user could log in and change users, until the broker is
 * started again.
 *
 * Not here: which user may ask for a change (permissions.ts). The operator's own user is that of `--user` and `--password`; its
 * stored form does not count, since each start makes it again.
 */
import { opensSomething } from "./imported-password.ts";
import { administratorTag, defaultUserName, type User, type Users } from "./users.ts";

/** The users as they are, or as they will be. */
export type UserList = Pick<Users, "get" | "all">;

/** The reason why the user may not become `next` (null: be deleted), as the end of a sentence; null: it may. */
export function lockOutFault(
  users: UserList,
  operator: string | undefined,
  name: string,
  next: User | null,
): string | null {
  const isAdministrator = next !== null && next.isEnabled && next.tags.includes(administratorTag);
  if (name === operator) {
    if (isAdministrator) return null;
    return (
      `user '${name}' is the operator's own (--user and --password of this start): ` +
      "it stays an administrator as long as the broker runs with it"
    );
  }
  const mayAdminister = (user: User): boolean =>
    user.isEnabled &&
    user.tags.includes(administratorTag) &&
    (user.passwords.length > 0 ||
      (user.importedPassword !== null && opensSomething(user.importedPassword)) ||
      user.name === operator ||
      (user.name === defaultUserName && operator !== undefined));
  const before = users.get(name);
  if (before === undefined || !mayAdminister(before) || (next !== null && mayAdminister(next))) return null;
  if (users.all().some((user) => user.name !== name && mayAdminister(user))) return null;
  return `user '${name}' is the last administrator who can log in; give another user the tag administrator first`;
}
