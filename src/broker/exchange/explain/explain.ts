/**
 * Where a message would go that is published now, and why: each binding on the way with its verdict, for a person who looks for a message
 * that did not come.
 *
 * It follows bindings by their verdicts (verdict.ts), and where a type chooses one of several, by its router. Nothing is published. Not
 * here: routes as the broker uses them (../routes.ts); the two agree. In slices, since an exchange may have any number of bindings.
 */
import { limits } from "../../../base/limits.ts";
import { nearest as nearestName } from "../../../base/text/nearest.ts";
import type { Job } from "../../../base/turn-work.ts";
import type { Vhost } from "../../vhost.ts";
import type { Binding, Destination, Exchange } from "../exchange.ts";
import { dueOf } from "../../intake/delay-headers.ts";
import { declaredType } from "../exchange-types.ts";
import type { ExchangeType } from "../definition.ts";
import type { MessageFacts } from "../routing/router.ts";
import { type Compared, type Verdict, verdictOf } from "./verdict.ts";

export interface ExplainedBinding extends Verdict {
  readonly source: string;
  readonly destination: Destination;
  readonly key: string;
  readonly args: Binding["args"];
}

export interface Explanation {
  readonly queues: ReadonlySet<string>;
  /** Those that matched, then those that nearly did, the nearest first. */
  readonly bindings: readonly ExplainedBinding[];
  /** How many more bindings there are on the way that did not match. */
  readonly others: number;
  readonly notes: readonly string[];
}

/** What it costs to look at an exchange, at a binding, and at each pair of a character of the key and one of the binding's. */
const unitsOfExchange = 10;
const unitsOfBinding = 1;
const unitsOfPair = 0.002;
const unitsOfPiece = 200;
const namesOfPiece = 32;
/** Of those that did not match so many are shown. */
const nearMax = 20;

/** The type by which it routes. */
function routingType({ type, args }: Exchange): ExchangeType {
  return type === "x-delayed-message" ? (declaredType(args["x-delayed-type"]) ?? type) : type;
}

export function* explaining(
  vhost: Vhost,
  exchange: Exchange,
  key: string,
  message: MessageFacts,
): Job<Explanation> {
  const matched: ExplainedBinding[] = [];
  let near: ExplainedBinding[] = [];
  const queues = new Set<string>();
  const notes: string[] = [];
  const seen = new Set<Exchange>();
  const waiting = [exchange];
  const now = vhost.broker.clock.now();
  const compared: Compared = { key, headers: message.headers() };
  let others = 0;
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    const sight = vhost.stationOf(next)?.sees(message) ?? "pass";
    if (sight === "take") notes.push(`exchange '${shownName(next)}' keeps it for later: x-delay`);
    const found = new Set<Destination>();
    const bindings = [...next.bindings.values()];
    const judged = routingType(next);
    const chosen = new Set<Destination>();
    // Queues are bound to the default exchange without bindings; and a type either has verdicts, or chooses.
    if (next.name === "" || (bindings.length > 0 && verdictOf(judged, compared, bindings[0]!) === null))
      next.router.route(key, message, chosen);
    let units = unitsOfExchange;
    for (const binding of bindings) {
      const verdict =
        verdictOf(judged, compared, binding) ?? choiceOf(judged, chosen.has(binding.destination));
      const explained = { ...verdict, source: next.name, ...pick(binding) };
      if (verdict.matched) {
        found.add(binding.destination);
        if (matched.length < limits.explainedBindingsMax) matched.push(explained);
      } else {
        near.push(explained);
        if (near.length > 8 * nearMax) {
          near = nearest(near);
          others += 7 * nearMax + 1;
        }
      }
      units += unitsOfBinding + unitsOfPair * key.length * binding.key.length;
      if (units < unitsOfPiece) continue;
      yield units;
      units = 0;
    }
    for (const destination of chosen) found.add(destination);
    if (found.size === 0 && next.name === "") notes.push(yield* noQueue(vhost, key));
    if (found.size === 0 && next.alternate !== undefined) {
      const alternate = vhost.exchanges.get(next.alternate);
      const name = Buffer.from(next.alternate, "latin1").toString();
      notes.push(
        `nothing matches in exchange '${shownName(next)}': it goes to the alternate exchange '${name}'${alternate === undefined ? ", which is not there" : ""}`,
      );
      if (alternate !== undefined) waiting.push(alternate);
    }
    for (const destination of found) {
      if (destination.kind === "exchange") waiting.push(destination);
      else {
        queues.add(destination.name);
        const isLater = destination.policy.delayAllowed && dueOf(message.properties(), now) > 0;
        if (isLater && notes.length < limits.explainedBindingsMax)
          notes.push(`'${shownName(destination)}' gets it later: x-delay or x-deliver-at`);
      }
    }
    yield units;
  }
  const shown = nearest(near);
  return { queues, bindings: [...matched, ...shown], others: others + near.length - shown.length, notes };
}

/** The default exchange leads to the queue of that name, which is not there. */
function* noQueue(vhost: Vhost, key: string): Job<string> {
  const shown = (name: string): string => `'${shownName({ name })}'`;
  let near: string | undefined;
  let names: string[] = [];
  let compared = 0;
  for (const name of vhost.queues.keys()) {
    if (compared++ === limits.explainedNamesMax) break;
    names.push(name);
    if (names.length < namesOfPiece) continue;
    near = nearestName(key, near === undefined ? names : [near, ...names]);
    names = [];
    yield namesOfPiece * (unitsOfBinding + unitsOfPair * key.length * key.length);
  }
  near = nearestName(key, near === undefined ? names : [near, ...names]);
  const advice = near === undefined ? "" : `; there is ${shown(near)}`;
  return `there is no queue, stream or topic ${shown(key)}${advice}`;
}

function shownName({ name }: { readonly name: string }): string {
  return Buffer.from(name, "latin1").toString();
}

function pick({ destination, key, args }: Binding): Pick<ExplainedBinding, "destination" | "key" | "args"> {
  return { destination, key, args };
}

function nearest(bindings: readonly ExplainedBinding[]): ExplainedBinding[] {
  return bindings.toSorted((a, b) => a.distance - b.distance).slice(0, nearMax);
}

/** Types that give each message to some of their bindings. */
function choiceOf(type: ExchangeType, isChosen: boolean): Verdict {
  const by = type.includes("random") ? "chance" : "the hash of the message";
  return isChosen
    ? { matched: true, why: `chosen by ${by}`, distance: 0 }
    : { matched: false, why: `another binding was chosen by ${by}`, distance: 1000 };
}
