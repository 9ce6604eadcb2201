/** GEOADD key [NX | XX] [CH] longitude latitude member [longitude latitude member ...]: ZADD with scores that are positions. */
import type { CommandContext } from "../core/context.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import { syntaxError } from "../core/errors.ts";
import { addMembers, noAddOptions, scoresFor, takesNewMembers } from "../zset/zadd.ts";
import { scoreOf } from "./coordinates.ts";
import { positionArgument } from "./geo-arguments.ts";

export const geoaddCommand: CommandRow = {
  name: "geoadd",
  arity: -5,
  flags: ["write", "denyoom"],
  keys: [oneKey(1, "RW", "update")],
  since: "3.2.0",
  complexity: "O(log(N)) for each item, N members",
  summary: "Adds positions to a geospatial index.",
  makesValues: takesNewMembers,
  run: geoadd,
};

function geoadd(context: CommandContext): void {
  const { request } = context;
  const { argumentCount } = request;
  const options = { ...noAddOptions };
  let first = 2;
  for (; first < argumentCount; first++) {
    if (request.is(first, "NX")) options.nx = true;
    else if (request.is(first, "XX")) options.xx = true;
    else if (request.is(first, "CH")) options.ch = true;
    else break;
  }
  const rest = argumentCount - first;
  if (rest === 0 || rest % 3 !== 0 || (options.nx && options.xx)) throw syntaxError();
  const count = rest / 3;
  const scores = scoresFor(count);
  for (let i = 0; i < count; i++) scores[i] = scoreOf(positionArgument(context, first + 3 * i));
  addMembers(context, options, { count, first: first + 2, stride: 3 });
}
