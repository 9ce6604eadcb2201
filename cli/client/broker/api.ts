/**
 * The HTTP interface of a broker, as the commands use it: JSON in and out, and what is refused as a fault with its exit code.
 *
 * Not here: which broker (target.ts), what the answers mean. Invariant: every request ends, with an answer or within `answerMsMax`.
 */
import { CliFault } from "../fault.ts";
import type { Target } from "./target.ts";

export type Json = Readonly<Record<string, unknown>>;

const answerMsMax = 60_000;
const notFoundStatus = 404;
const refusedFrom = 400;

/** A path whose places are percent-encoded: path`/api/queues/${vhost}/${name}`. @throws CliFault */
export function path(texts: TemplateStringsArray, ...places: readonly string[]): string {
  // It would be the path of a list.
  if (places.includes("")) throw new CliFault("usage", "a name is empty; give one");
  return String.raw({ raw: texts }, ...places.map(encodeURIComponent));
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export class Api {
  readonly target: Target;

  constructor(target: Target) {
    this.target = target;
  }

  async get<Body = Json>(at: string, query: Readonly<Record<string, string>> = {}): Promise<Body> {
    const text = new URLSearchParams(query).toString();
    return (await this.#asked("GET", text === "" ? at : `${at}?${text}`)).body as Body;
  }

  /** Null: it is not there. */
  async find<Body = Json>(at: string): Promise<Body | null> {
    const { status, body } = await this.#answerOf("GET", at, undefined);
    if (status === notFoundStatus) {
      await this.#assertVhostOf(at);
      return null;
    }
    return checked(this.target, status, body) as Body;
  }

  async send<Body = unknown>(method: "PUT" | "POST" | "DELETE", at: string, body?: unknown): Promise<Body> {
    return (await this.#asked(method, at, body)).body as Body;
  }

  /** Deletes what may have gone meanwhile: that it is not there is as good. */
  async remove(at: string): Promise<void> {
    const { status, body } = await this.#answerOf("DELETE", at, undefined);
    if (status !== notFoundStatus) checked(this.target, status, body);
  }

  /** Whether the broker says that it takes work, and what it looked at; 503 is an answer too. */
  async readiness(): Promise<Json> {
    const { status, body } = await this.#answerOf("GET", "/readyz", undefined);
    // A RabbitMQ has no such page, and answers.
    return status === notFoundStatus ? { ready: true, checks: {} } : (body as Json);
  }

  async #asked(method: string, at: string, body?: unknown): Promise<Answer> {
    const answer = await this.#answerOf(method, at, body);
    if (answer.status === notFoundStatus) await this.#assertVhostOf(at);
    return { ...answer, body: checked(this.target, answer.status, answer.body) };
  }

  /** What is not there may be the virtual host that it would be in. @throws CliFault */
  async #assertVhostOf(at: string): Promise<void> {
    const { vhost } = this.target;
    const isIn = `${at.split("?", 1)[0]}/`.includes(`/${encodeURIComponent(vhost)}/`);
    if (!isIn || at.startsWith("/api/vhosts/")) return;
    const { status } = await this.#answerOf("GET", path`/api/vhosts/${vhost}`, undefined);
    if (status === notFoundStatus) throw noVhost(vhost);
  }

  async #answerOf(method: string, at: string, body: unknown): Promise<Answer> {
    const { url, user, password } = this.target;
    const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
    let status: number;
    let text: string;
    try {
      const response = await fetch(url + at, {
        method,
        headers: { authorization, "content-type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        redirect: "error",
        signal: AbortSignal.timeout(answerMsMax),
      });
      status = response.status;
      text = await response.text();
    } catch (error) {
      throw unreachable(this.target, error as Error);
    }
    if (text === "") return { status, body: null };
    try {
      return { status, body: JSON.parse(text) as unknown };
    } catch {
      throw new CliFault(
        "unreachable",
        `what answers at ${url} (${status}) is no TroikaMQ; name one with --url`,
      );
    }
  }
}

export function noVhost(name: string): CliFault {
  const shown = JSON.stringify(name);
  return new CliFault(
    "notFound",
    `there is no virtual host ${shown}; see troikamq ls vhosts, or make it: echo 'vhosts: [{ name: ${shown} }]' | troikamq apply -`,
  );
}

function checked({ user, url }: Target, status: number, body: unknown): unknown {
  if (status < refusedFrom) return body;
  const { reason, error, entry, advice } = (body ?? {}) as Json;
  const said = oneLine(typeof reason === "string" ? reason : JSON.stringify(reason ?? error ?? status));
  const why = typeof entry === "string" ? `${oneLine(entry)}: ${said}; ${String(advice)}` : said;
  if (status === 401 || status === 403)
    throw new CliFault(
      "notAllowed",
      `${url} refuses the user ${JSON.stringify(user)}: ${why} (--url http://USER:PASSWORD@HOST, or troikamq context add)`,
    );
  if (status === notFoundStatus) throw new CliFault("notFound", `${url}: ${why}`);
  throw new CliFault("refused", `${url} refuses: ${why}`);
}

/** RabbitMQ writes some of its texts in paragraphs, for a page. */
function oneLine(text: string): string {
  return text
    .replaceAll(/\s+/g, " ")
    .trim()
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&");
}

/** Why nothing can be asked, and what to do. */
function unreachable({ url, context }: Pick<Target, "url" | "context">, error: Error): CliFault {
  const from = context === null ? "" : ` (context ${context})`;
  const why = error.name === "TimeoutError" ? `no answer within ${answerMsMax / 1000} s` : causeOf(error);
  return new CliFault(
    "unreachable",
    `no broker answers at ${url}${from}: ${why}\n` +
      "  start one on this machine:   troikamq start\n" +
      "  name one that runs:          --url http://USER:PASSWORD@HOST:15672, or troikamq context use NAME",
  );
}

const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there",
  ConnectionRefused: "nothing listens there",
  ENOTFOUND: "no such host",
  ECONNRESET: "the connection was closed",
  ConnectionClosed: "the connection was closed",
};

/** Node has the cause below `cause`, for a name with several addresses below that; Bun has a code. */
function causeOf(error: Error): string {
  const { cause, code, message } = error as Error & { cause?: Error & { code?: string }; code?: string };
  const found = cause?.code ?? code ?? "";
  const text = words[found] ?? (cause?.message || message);
  return text.includes("certificate") ? `${text} (NODE_EXTRA_CA_CERTS=FILE names its authority)` : text;
}
