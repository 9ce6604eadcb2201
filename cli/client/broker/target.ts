/**
 * Which broker a command talks to, as whom, in which virtual host. The first that is given counts:
 *
 *     --url, --context, TROIKAMQ_URL, TROIKAMQ_CONTEXT, the current context,
 *     else this machine: http://127.0.0.1 with TROIKAMQ_HTTP_PORT (15672)
 *
 * A name and a password that the address does not have are TROIKAMQ_USER and TROIKAMQ_PASSWORD, the broker's own options, else guest.
 * Pure. Invariant: no text that is shown holds a password.
 */
import { CliFault } from "../fault.ts";
import { contextNamed, type Contexts } from "./contexts.ts";

export interface Target {
  /** Of the HTTP interface, without a name, a password and a slash at the end. */
  readonly url: string;
  readonly user: string;
  readonly password: string;
  readonly vhost: string;
  /** The context that it comes from; null: none. */
  readonly context: string | null;
}

export interface TargetFlags {
  readonly url?: string | undefined;
  readonly context?: string | undefined;
  readonly vhost?: string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

interface Address {
  readonly url: string;
  readonly user: string | undefined;
  readonly password: string | undefined;
}

/** `from` is what the text was given by. @throws CliFault */
export function addressIn(text: string, from: string): Address {
  // What is wrong with it is told without it: it may have a password.
  const bad = new CliFault("usage", `${from}: give http://[USER:PASSWORD@]HOST[:PORT], or https:// for TLS`);
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) throw bad;
  const { protocol, host, pathname, search, hash, username, password } = new URL(text);
  if (search !== "" || hash !== "") throw bad;
  try {
    return {
      url: `${protocol}//${host}${pathname.replace(/\/+$/, "")}`,
      user: username === "" ? undefined : decodeURIComponent(username),
      password: password === "" ? undefined : decodeURIComponent(password),
    };
  } catch {
    throw bad;
  }
}

/** @throws CliFault */
export function targetOf(flags: TargetFlags, environment: Environment, contexts: Contexts): Target {
  const given = (name: string): string | undefined => environment[name] || undefined;
  const whole = ({ url, user, password }: Address, context: string | null, vhost?: string): Target => ({
    url,
    user: user ?? given("TROIKAMQ_USER") ?? "guest",
    password: password ?? given("TROIKAMQ_PASSWORD") ?? "guest",
    vhost: flags.vhost ?? vhost ?? "/",
    context,
  });
  const ofContext = (name: string): Target => {
    const context = contextNamed(contexts, name);
    const { url } = addressIn(context.url, `the context ${name}`);
    return whole({ url, user: context.user, password: context.password }, name, context.vhost);
  };
  if (flags.url !== undefined && flags.context !== undefined)
    throw new CliFault("usage", "--url and --context exclude each other");
  if (flags.url !== undefined) return whole(addressIn(flags.url, "--url"), null);
  if (flags.context !== undefined) return ofContext(flags.context);
  const url = given("TROIKAMQ_URL");
  if (url !== undefined) return whole(addressIn(url, "TROIKAMQ_URL"), null);
  const name = given("TROIKAMQ_CONTEXT") ?? contexts.current;
  if (name !== null) return ofContext(name);
  const port = given("TROIKAMQ_HTTP_PORT");
  const isPort = port !== undefined && /^[1-9]\d{0,4}$/.test(port);
  return whole(
    { url: `http://127.0.0.1:${isPort ? port : 15672}`, user: undefined, password: undefined },
    null,
  );
}
