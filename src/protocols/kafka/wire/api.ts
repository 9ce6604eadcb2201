/**
 * One request type of the protocol: its key, the versions we speak, and the description of request and response.
 *
 * Invariant: plans are made once for each version, on first use, and never change.
 */
import { BrokerError } from "../../../base/errors.ts";
import { Plan } from "./plan.ts";
import type { Decoded, Encodable, FieldMap } from "./schema.ts";

interface ApiDescription<N extends string, Request extends FieldMap, Response extends FieldMap> {
  readonly key: number;
  readonly name: N;
  /** First and last version, as a current Kafka 4 broker advertises them. */
  readonly versions: readonly [first: number, last: number];
  /** First version with compact lengths and tagged fields; left out if there is none. */
  readonly flexibleSince?: number;
  readonly request: Request;
  readonly response: Response;
}

/** The plans of one version. */
export interface VersionPlans {
  readonly flexible: boolean;
  readonly request: Plan;
  readonly response: Plan;
}

export class Api<
  N extends string = string,
  Request extends FieldMap = FieldMap,
  Response extends FieldMap = FieldMap,
> {
  readonly key: number;
  readonly name: N;
  readonly versionMin: number;
  readonly versionMax: number;
  readonly request: Request;
  readonly response: Response;
  readonly #flexibleSince: number;
  readonly #plans: (VersionPlans | undefined)[] = [];

  constructor(description: ApiDescription<N, Request, Response>) {
    this.key = description.key;
    this.name = description.name;
    [this.versionMin, this.versionMax] = description.versions;
    this.request = description.request;
    this.response = description.response;
    this.#flexibleSince = description.flexibleSince ?? Number.POSITIVE_INFINITY;
  }

  supports(version: number): boolean {
    return version >= this.versionMin && version <= this.versionMax;
  }

  /** Whether a version uses compact lengths and tagged fields; true also for versions later than we speak. */
  isFlexible(version: number): boolean {
    return version >= this.#flexibleSince;
  }

  plans(version: number): VersionPlans {
    return this.#plans[version] ?? this.#makePlans(version);
  }

  #makePlans(version: number): VersionPlans {
    if (!this.supports(version)) {
      throw new BrokerError(
        "INVALID",
        `${this.name} has versions ${this.versionMin} to ${this.versionMax}, not ${version}`,
      );
    }
    const flexible = this.isFlexible(version);
    const plans: VersionPlans = {
      flexible,
      request: new Plan(this.request, version, flexible),
      response: new Plan(this.response, version, flexible),
    };
    this.#plans[version] = plans;
    return plans;
  }
}

export type RequestOf<A> = A extends Api<infer _N, infer Q, infer _R> ? Decoded<Q> : never;
export type RequestInputOf<A> = A extends Api<infer _N, infer Q, infer _R> ? Encodable<Q> : never;
export type ResponseOf<A> = A extends Api<infer _N, infer _Q, infer R> ? Decoded<R> : never;
export type ResponseInputOf<A> = A extends Api<infer _N, infer _Q, infer R> ? Encodable<R> : never;
