/**
 * What GEOSEARCH, GEORADIUS and their kin are asked for: where, which shape, how many, in which order, and what of each member.
 *
 * Not here: the search. The order of checks is redis's, since it says which error is told.
 */
import type { CommandContext } from "../core/context.ts";
import { errorTexts, RedisError, syntaxError } from "../core/errors.ts";
import { keysOf } from "../keys/key-access.ts";
import { findMember, findSortedSet, sortedSetsOf } from "../zset/sorted-set-key.ts";
import type { Shape } from "./cells.ts";
import { type Position, positionOf } from "./coordinates.ts";
import { lengthArgument, positionArgument, unitArgument } from "./geo-arguments.ts";

/** Which of the commands it is. */
export interface SearchSyntax {
  readonly by: "position" | "member" | "options";
  /** The argument of the key that is searched. */
  readonly keyIndex: number;
  /** GEORADIUS may store by an option; GEOSEARCHSTORE always does, under argument 1. */
  readonly stores: "never" | "option" | "always";
}

export interface Search {
  /** Null where the key that is searched does not exist. */
  readonly shape: Shape | null;
  /** Meters of the unit in which distances are told. */
  readonly unit: number;
  /** 0 is all. */
  readonly count: number;
  /** As soon as so many are found. */
  readonly isAny: boolean;
  readonly order: "none" | "nearest" | "farthest";
  readonly withDistance: boolean;
  readonly withHash: boolean;
  readonly withPosition: boolean;
  /** The argument of the key that the result is stored under; 0 for none. */
  readonly storeIndex: number;
  readonly storesDistance: boolean;
}

class SearchParser {
  readonly #context: CommandContext;
  readonly #syntax: SearchSyntax;
  readonly #entry: number;
  #middle: Position | null = null;
  #isPlaced: "member" | "position" | null = null;
  #isShaped: "circle" | "box" | null = null;
  #radius: number | null = null;
  #width = 0;
  #height = 0;
  #unit = 1;
  #count = 0;
  #isAny = false;
  #order: Search["order"] = "none";
  #withDistance = false;
  #withHash = false;
  #withPosition = false;
  #storeIndex: number;
  #storesDistance = false;

  constructor(context: CommandContext, syntax: SearchSyntax, entry: number) {
    this.#context = context;
    this.#syntax = syntax;
    this.#entry = entry;
    this.#storeIndex = syntax.stores === "always" ? 1 : 0;
  }

  parse(): Search {
    const { by, keyIndex } = this.#syntax;
    let index = keyIndex + 1;
    if (by === "position") {
      this.#middle = positionArgument(this.#context, index);
      this.#readRadius(index + 2);
      index += 4;
    } else if (by === "member") {
      // Without the key its arguments are looked at all the same, but for these.
      if (this.#entry !== 0) {
        this.#middle = this.#positionOfMember(index);
        this.#readRadius(index + 1);
      }
      index += 3;
    }
    const { argumentCount } = this.#context.request;
    while (index < argumentCount) index = this.#readOption(index, argumentCount - index - 1);
    this.#check();
    return this.#search();
  }

  /** Returns the argument behind the option. `left` arguments follow the word. */
  #readOption(index: number, left: number): number {
    const { request } = this.#context;
    const isSearch = this.#syntax.by === "options";
    if (request.is(index, "WITHDIST")) this.#withDistance = true;
    else if (request.is(index, "WITHHASH")) this.#withHash = true;
    else if (request.is(index, "WITHCOORD")) this.#withPosition = true;
    else if (request.is(index, "ANY")) this.#isAny = true;
    else if (request.is(index, "ASC")) this.#order = "nearest";
    else if (request.is(index, "DESC")) this.#order = "farthest";
    else if (left >= 1 && request.is(index, "COUNT")) return this.#readCount(index + 1);
    else if (isSearch) return this.#readSearchOption(index, left);
    else if (left >= 1 && this.#syntax.stores === "option" && this.#isStore(index)) {
      this.#storesDistance = request.is(index, "STOREDIST");
      this.#storeIndex = index + 1;
      return index + 2;
    } else throw syntaxError();
    return index + 1;
  }

  #isStore(index: number): boolean {
    const { request } = this.#context;
    return request.is(index, "STORE") || request.is(index, "STOREDIST");
  }

  /** Of GEOSEARCH and GEOSEARCHSTORE. */
  #readSearchOption(index: number, left: number): number {
    const { request } = this.#context;
    if (left >= 1 && this.#isPlaced !== "position" && request.is(index, "FROMMEMBER")) {
      if (this.#entry !== 0) this.#middle = this.#positionOfMember(index + 1);
      this.#isPlaced = "member";
      return index + 2;
    }
    if (left >= 2 && this.#isPlaced !== "member" && request.is(index, "FROMLONLAT")) {
      this.#middle = positionArgument(this.#context, index + 1);
      this.#isPlaced = "position";
      return index + 3;
    }
    if (left >= 2 && this.#isShaped !== "box" && request.is(index, "BYRADIUS")) {
      this.#readRadius(index + 1);
      this.#isShaped = "circle";
      return index + 3;
    }
    if (left >= 3 && this.#isShaped !== "circle" && request.is(index, "BYBOX")) {
      this.#readBox(index + 1);
      this.#isShaped = "box";
      return index + 4;
    }
    if (this.#syntax.stores === "always" && request.is(index, "STOREDIST")) {
      this.#storesDistance = true;
      return index + 1;
    }
    throw syntaxError();
  }

  #readCount(index: number): number {
    this.#count = this.#context.request.integer(index);
    if (Number.isNaN(this.#count)) throw new RedisError(errorTexts.notInteger);
    if (this.#count <= 0) throw new RedisError("ERR COUNT must be > 0");
    return index + 1;
  }

  #readRadius(index: number): void {
    const radius = lengthArgument(this.#context, index, "need numeric radius");
    if (radius < 0) throw new RedisError("ERR radius cannot be negative");
    this.#unit = unitArgument(this.#context, index + 1);
    this.#radius = radius;
  }

  #readBox(index: number): void {
    this.#width = lengthArgument(this.#context, index, "need numeric width");
    this.#height = lengthArgument(this.#context, index + 1, "need numeric height");
    if (this.#width < 0 || this.#height < 0) throw new RedisError("ERR height or width cannot be negative");
    this.#unit = unitArgument(this.#context, index + 2);
  }

  #positionOfMember(index: number): Position {
    const context = this.#context;
    if (!findMember(context, keysOf(context), this.#entry, index))
      throw new RedisError("ERR could not decode requested zset member");
    return positionOf(sortedSetsOf(context).score);
  }

  #check(): void {
    const { by, stores } = this.#syntax;
    const name = this.#context.request.utf8(0);
    if (this.#storeIndex > 0 && (this.#withDistance || this.#withHash || this.#withPosition)) {
      const what = stores === "always" ? "GEOSEARCHSTORE" : "STORE option in GEORADIUS";
      throw new RedisError(`ERR ${what} is not compatible with WITHDIST, WITHHASH and WITHCOORD options`);
    }
    if (by === "options" && this.#isPlaced === null)
      throw new RedisError(`ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for ${name}`);
    if (by === "options" && this.#isShaped === null)
      throw new RedisError(`ERR exactly one of BYRADIUS and BYBOX can be specified for ${name}`);
    if (this.#isAny && this.#count === 0)
      throw new RedisError("ERR the ANY argument requires COUNT argument");
  }

  #search(): Search {
    const unit = this.#unit;
    // Of the nearest some, all have to be known.
    const isSorted = this.#count > 0 && this.#order === "none" && !this.#isAny;
    return {
      shape:
        this.#entry === 0
          ? null
          : {
              middle: this.#middle!,
              radius: this.#radius === null ? null : this.#radius * unit,
              width: this.#width * unit,
              height: this.#height * unit,
            },
      unit,
      count: this.#count,
      isAny: this.#isAny,
      order: isSorted ? "nearest" : this.#order,
      withDistance: this.#withDistance,
      withHash: this.#withHash,
      withPosition: this.#withPosition,
      storeIndex: this.#storeIndex,
      storesDistance: this.#storesDistance,
    };
  }
}

/** Throws WRONGTYPE, and redis's errors of syntax. */
export function parseSearch(context: CommandContext, syntax: SearchSyntax): Search {
  const entry = findSortedSet(context, keysOf(context), syntax.keyIndex);
  return new SearchParser(context, syntax, entry).parse();
}
