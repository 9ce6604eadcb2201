/** How one connection's keys are tracked for its client-side cache: what CLIENT TRACKING and CLIENT CACHING have set. */
import type { PushTarget } from "../core/push.ts";
import type { RespVersion } from "../wire/reply-writer.ts";

/** What is asked of the connection. */
interface TrackedConnection extends PushTarget {
  readonly id: number;
  readonly isSubscriber: boolean;
  readonly context: { readonly reply: { readonly version: RespVersion } };
}

export class TrackedClient {
  readonly client: TrackedConnection;
  /** The connection that gets the invalidations; 0 for its own. */
  redirect = 0;
  /** That connection is gone, and the client has been told. */
  isRedirectBroken = false;
  /** All changes of keys with its prefixes, rather than of what it has read. */
  isBroadcast = false;
  isOptIn = false;
  isOptOut = false;
  /** It is not told of its own changes. */
  isNoLoop = false;
  /** CLIENT CACHING was said of the command, or the MULTI, that follows. */
  isCachingGiven = false;
  readonly prefixes = new Set<string>();
  /** Its command goes on over several turns: what it is told of comes behind the reply. */
  isAtWork = false;
  /** Keys that its command at work has changed: it is told of them behind the reply. Null is all keys. */
  readonly pending: (string | null)[] = [];

  constructor(client: TrackedConnection) {
    this.client = client;
  }

  /** Whether the keys that it reads now are remembered. */
  get remembersKeys(): boolean {
    if (this.isBroadcast) return false;
    if (this.isOptIn) return this.isCachingGiven;
    return !(this.isOptOut && this.isCachingGiven);
  }
}
