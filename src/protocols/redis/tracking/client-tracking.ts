/**
 * CLIENT TRACKING <ON | OFF> [REDIRECT id] [PREFIX prefix ...] [BCAST] [OPTIN] [OPTOUT] [NOLOOP]
 * CLIENT CACHING <YES | NO>      CLIENT GETREDIR      CLIENT TRACKINGINFO
 */
import { limits } from "../../../base/limits.ts";
import type { CommandRow } from "../core/command-spec.ts";
import type { CommandContext } from "../core/context.ts";
import { errorTexts, RedisError, syntaxError } from "../core/errors.ts";
import type { TrackedClient } from "./tracked-client.ts";
import type { TrackingOptions } from "./tracking.ts";

export const clientCachingCommand: CommandRow = {
  name: "caching",
  arity: 3,
  flags: ["noscript", "loading", "stale"],
  since: "6.0.0",
  complexity: "O(1)",
  summary: "Says whether the next command's keys are to be tracked.",
  run: caching,
};

export const clientGetRedirCommand: CommandRow = {
  name: "getredir",
  arity: 2,
  flags: ["noscript", "loading", "stale"],
  since: "6.0.0",
  complexity: "O(1)",
  summary: "Tells to which connection invalidations are sent.",
  run: getRedir,
};

export const clientTrackingCommands: readonly CommandRow[] = [
  {
    name: "tracking",
    arity: -3,
    flags: ["noscript", "loading", "stale"],
    since: "6.0.0",
    complexity: "O(1), more with some options",
    summary: "Turns invalidation messages for client-side caches on or off.",
    run: tracking,
  },
  {
    name: "trackinginfo",
    arity: 2,
    flags: ["noscript", "loading", "stale"],
    since: "6.2.0",
    complexity: "O(1)",
    summary: "Describes this connection's tracking for client-side caches.",
    run: trackingInfo,
  },
];

function tracking(context: CommandContext): void {
  const { request, reply, client, server } = context;
  const options = parse(context);
  if (request.is(2, "ON")) {
    assertFits(options, client.tracked);
    server.tracking.turnOn(client, options);
  } else if (request.is(2, "OFF")) server.tracking.turnOff(client);
  else throw syntaxError();
  reply.ok();
}

function parse({ request, server }: CommandContext): TrackingOptions {
  let redirect = 0;
  let isBroadcast = false;
  let isOptIn = false;
  let isOptOut = false;
  let isNoLoop = false;
  const prefixes: string[] = [];
  for (let at = 3; at < request.argumentCount; at++) {
    const hasMore = at + 1 < request.argumentCount;
    if (hasMore && request.is(at, "REDIRECT")) {
      if (redirect !== 0) throw new RedisError("ERR A client can only redirect to a single other client");
      redirect = request.integer(++at);
      if (Number.isNaN(redirect)) throw new RedisError(errorTexts.notInteger);
      if (!server.sessions.has(redirect))
        throw new RedisError("ERR The client ID you want redirect to does not exist");
    } else if (request.is(at, "BCAST")) isBroadcast = true;
    else if (request.is(at, "OPTIN")) isOptIn = true;
    else if (request.is(at, "OPTOUT")) isOptOut = true;
    else if (request.is(at, "NOLOOP")) isNoLoop = true;
    else if (hasMore && request.is(at, "PREFIX")) prefixes.push(request.latin1(++at));
    else throw syntaxError();
  }
  return { redirect, isBroadcast, isOptIn, isOptOut, isNoLoop, prefixes };
}

/** Throws redis's error for options that do not go together, or not with what the client has set before. */
function assertFits(options: TrackingOptions, before: TrackedClient | null): void {
  const { isBroadcast, isOptIn, isOptOut, prefixes } = options;
  if (!isBroadcast && prefixes.length > 0)
    throw new RedisError("ERR PREFIX option requires BCAST mode to be enabled");
  if (before !== null && before.isBroadcast !== isBroadcast) throw switched("BCAST mode on/off");
  if (isBroadcast && (isOptIn || isOptOut))
    throw new RedisError("ERR OPTIN and OPTOUT are not compatible with BCAST");
  if (isOptIn && isOptOut) throw new RedisError("ERR You can't specify both OPTIN mode and OPTOUT mode");
  if (before !== null && ((isOptIn && before.isOptOut) || (isOptOut && before.isOptIn)))
    throw switched("OPTIN/OPTOUT mode");
  if (isBroadcast) assertPrefixes(prefixes, before);
}

function switched(what: string): RedisError {
  return new RedisError(
    `ERR You can't switch ${what} before disabling tracking for this client, and then re-enabling it with a different mode.`,
  );
}

function assertPrefixes(prefixes: readonly string[], before: TrackedClient | null): void {
  const kept = before?.prefixes ?? new Set<string>();
  const { connectionPrefixesMax, trackingPrefixBytesMax } = limits;
  if (
    kept.size + prefixes.length > connectionPrefixesMax ||
    prefixes.some((prefix) => prefix.length > trackingPrefixBytesMax)
  ) {
    throw new RedisError(
      `ERR one connection may track ${connectionPrefixesMax} prefixes of ${trackingPrefixBytesMax} bytes each; use fewer and shorter ones`,
    );
  }
  for (const [i, prefix] of prefixes.entries()) {
    for (const other of [...kept].toSorted()) {
      if (overlap(prefix, other)) throw overlapping(prefix, `an existing prefix '${shown(other)}'`);
    }
    for (const other of prefixes.slice(i + 1)) {
      if (overlap(prefix, other)) throw overlapping(prefix, `another provided prefix '${shown(other)}'`);
    }
  }
}

function overlap(one: string, other: string): boolean {
  return one.startsWith(other) || other.startsWith(one);
}

function shown(prefix: string): string {
  return Buffer.from(prefix, "latin1").toString();
}

function overlapping(prefix: string, other: string): RedisError {
  return new RedisError(
    `ERR Prefix '${shown(prefix)}' overlaps with ${other}. Prefixes for a single client must not overlap.`,
  );
}

function caching({ request, reply, client }: CommandContext): void {
  const { tracked } = client;
  if (tracked === null) {
    throw new RedisError(
      "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled",
    );
  }
  if (request.is(2, "YES")) {
    if (!tracked.isOptIn)
      throw new RedisError("ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.");
  } else if (request.is(2, "NO")) {
    if (!tracked.isOptOut)
      throw new RedisError("ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.");
  } else throw syntaxError();
  tracked.isCachingGiven = true;
  reply.ok();
}

function getRedir({ reply, client }: CommandContext): void {
  reply.integer(client.tracked?.redirect ?? -1);
}

function trackingInfo({ reply, client }: CommandContext): void {
  const { tracked } = client;
  const flags = tracked === null ? ["off"] : flagsOf(tracked);
  reply.map(3);
  reply.bulkLatin1("flags");
  reply.set(flags.length);
  for (const flag of flags) reply.bulkLatin1(flag);
  reply.bulkLatin1("redirect");
  reply.integer(tracked?.redirect ?? -1);
  reply.bulkLatin1("prefixes");
  reply.array(tracked?.prefixes.size ?? 0);
  for (const prefix of [...(tracked?.prefixes ?? [])].toSorted()) reply.bulkLatin1(prefix);
}

function flagsOf(tracked: TrackedClient): string[] {
  const flags = ["on"];
  if (tracked.isBroadcast) flags.push("bcast");
  if (tracked.isOptIn) flags.push("optin");
  if (tracked.isOptIn && tracked.isCachingGiven) flags.push("caching-yes");
  if (tracked.isOptOut) flags.push("optout");
  if (tracked.isOptOut && tracked.isCachingGiven) flags.push("caching-no");
  if (tracked.isNoLoop) flags.push("noloop");
  if (tracked.isRedirectBroken) flags.push("broken_redirect");
  return flags;
}
