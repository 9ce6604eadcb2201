/**
 * Where a server is: redis://user:password@host:port/database, or rediss:// for TLS.
 *
 * The environment has the password where the command line must not show it: TROIKAMQ_REDIS_URL is the whole address, REDISCLI_AUTH the
 * password alone, as redis-cli has it.
 */
import { StartError } from "../../src/base/errors.ts";

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  readonly isTls: boolean;
  readonly user: string;
  /** "" for none. */
  readonly password: string;
  /** Undefined: the address names none. */
  readonly database: number | undefined;
}

const defaultUrl = "redis://127.0.0.1:6379";

/** @throws StartError */
export function redisAddress(
  given: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): RedisAddress {
  const text = given ?? environment["TROIKAMQ_REDIS_URL"] ?? defaultUrl;
  // What is wrong with it is told without it: it may have a password.
  const bad = new StartError(
    2,
    "--url: give redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE], or rediss:// for TLS",
  );
  if (!URL.canParse(text)) throw bad;
  const url = new URL(text);
  const path = url.pathname.replace(/^\//, "");
  const isTls = url.protocol === "rediss:";
  if ((!isTls && url.protocol !== "redis:") || url.hostname === "" || !/^\d{0,5}$/.test(path)) throw bad;
  const decoded = (part: string): string => {
    try {
      return decodeURIComponent(part);
    } catch {
      throw new StartError(2, "--url: write a percent sign in the user or the password as %25");
    }
  };
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: url.port === "" ? 6379 : Number(url.port),
    isTls,
    user: decoded(url.username),
    password: url.password === "" ? (environment["REDISCLI_AUTH"] ?? "") : decoded(url.password),
    database: path === "" ? undefined : Number(path),
  };
}
