/** The names by which members of share groups hold records. No Redis client can be a consumer of such a name. */

const prefix = "troika.share.";

export function shareOwnerName(memberId: string): string {
  return prefix + memberId;
}

export function isShareOwner(name: string): boolean {
  return name.startsWith(prefix);
}
