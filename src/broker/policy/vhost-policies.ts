/**
 * The policies and operator policies of one virtual host: which of them counts for which queue, stream and exchange, and their effect
 * on what exists when they change.
 *
 * Of those whose scope, pattern and settings fit, the one with the highest priority counts, of each kind one. Where they are kept is
 * said by parameters/parameters.ts, what a definition means by policy.ts, what a change leaves to do by policy-change.ts.
 * Invariants: what is made gets its policies at once; when `applied` resolves, everything that existed when it was called has those of the
 * last change before, or of a later one. That takes two passes over everything at most, however often policies change meanwhile: a change
 * does not stop the pass that runs, which goes on with the new policies, and another pass follows. A change that a kill cut short goes on at the next start (`restored`).
 */
import { matchingUnits, type Regex } from "../../base/patterns/regex.ts";
import type { Job, RunningJob, TurnWork } from "../../base/turn-work.ts";
import { orNothing } from "../access/rule.ts";
import { compilePolicyPattern, policyKinds, type PolicyKind, type PolicyScope } from "./definition-rules.ts";
import {
  isApplicable,
  noLayers,
  type PolicyDefinition,
  type PolicyLayers,
  type PolicySubject,
} from "./policy.ts";
import { type QueueType, queueTypeOf } from "../queue/queue-type.ts";

interface Governed {
  readonly name: string;
  /** False: they are as they were. */
  applyLayers(layers: PolicyLayers): boolean;
}

interface GovernedQueue extends NamedSubject {
  readonly policies: { readonly layers: PolicyLayers };
  applyLayers(layers: PolicyLayers): void;
  failed(error: unknown): void;
}

/** What of a virtual host policies act on. */
interface GovernedVhost {
  readonly name: string;
  readonly exchanges: ReadonlyMap<string, Governed>;
  readonly queues: ReadonlyMap<string, GovernedQueue>;
  /** Routes that were found before it changed are found anew. */
  routingVersion: number;
  readonly broker: {
    readonly work: TurnWork;
    readonly parameters: { of(vhost: string, component: string): ReadonlyMap<string, unknown> };
  };
}

/** A policy as it is stored, under its name. */
export interface PolicyValue {
  readonly pattern: string;
  readonly definition: PolicyDefinition;
  readonly priority: number;
  readonly "apply-to"?: PolicyScope;
}

interface Compiled {
  readonly name: string;
  readonly value: PolicyValue;
  readonly regex: Regex;
}

type CompiledKinds = Readonly<Record<PolicyKind, readonly Compiled[]>>;

/** A queue or stream, made or about to be. */
export interface NamedSubject extends PolicySubject {
  readonly name: string;
}

/** Looking at a policy for a name, besides what matching costs, and giving a queue another policy. */
const unitsOfMatch = 1;
const unitsOfChange = 12;
const unitsOfPiece = 100;

export class VhostPolicies {
  readonly #vhost: GovernedVhost;
  /** By priority, the highest first; null: to be compiled. */
  #compiled: CompiledKinds | null = null;
  #job: RunningJob | null = null;
  /** A pass runs, or is about to; false also for a job that was finished ahead and has not been told so. */
  #isPassing = false;
  /** Grows with each change. */
  #version = 0;
  /** Who waits for a pass that began with that version, or a later one. */
  #waiting: { readonly version: number; readonly tell: () => void }[] = [];

  constructor(vhost: GovernedVhost) {
    this.#vhost = vhost;
  }

  get #all(): CompiledKinds {
    return (this.#compiled ??= {
      policy: this.#compile("policy"),
      operator_policy: this.#compile("operator_policy"),
    });
  }

  #compile(kind: PolicyKind): Compiled[] {
    const values = this.#vhost.broker.parameters.of(this.#vhost.name, kind);
    const compiled = [...values].flatMap(([name, value]) => {
      const policy = value as PolicyValue;
      const regex = orNothing(() => compilePolicyPattern(policy.pattern));
      return regex === null ? [] : [{ name, value: policy, regex }];
    });
    // RabbitMQ promises nothing for equal priorities; here a restart changes nothing.
    const byName = (one: Compiled, other: Compiled): number => (one.name < other.name ? -1 : 1);
    return compiled.toSorted((one, other) => other.value.priority - one.value.priority || byName(one, other));
  }

  get #count(): number {
    const { policy, operator_policy: operator } = this.#all;
    return policy.length + operator.length;
  }

  /** What counts for a queue or stream besides its arguments. */
  layersOf(subject: NamedSubject): PolicyLayers {
    return this.#layers((kind) =>
      this.#all[kind].find(
        ({ value, regex }) =>
          isQueueScope(value["apply-to"] ?? "all", subject) &&
          isApplicable(subject, value.definition) &&
          regex.test(subject.name),
      ),
    );
  }

  /** The same for an exchange. */
  layersOfExchange(name: string): PolicyLayers {
    return this.#layers((kind) =>
      this.#all[kind].find(({ value, regex }) => {
        const scope = value["apply-to"] ?? "all";
        return (scope === "all" || scope === "exchanges") && regex.test(name);
      }),
    );
  }

  #layers(find: (kind: PolicyKind) => Compiled | undefined): PolicyLayers {
    if (this.#count === 0) return noLayers;
    const [policy, operator] = policyKinds.map(find);
    if (policy === undefined && operator === undefined) return noLayers;
    return {
      policy: policy?.value.definition ?? null,
      operatorPolicy: operator?.value.definition ?? null,
      ...(policy === undefined ? {} : { policyName: policy.name }),
      ...(operator === undefined ? {} : { operatorPolicyName: operator.name }),
    };
  }

  /** A policy was set or deleted: it takes effect on everything that exists, in slices. */
  changed(): void {
    this.#compiled = null;
    this.#version++;
    if (this.#isPassing) return;
    this.#isPassing = true;
    this.#job?.cancel();
    const job = this.#vhost.broker.work.run(this.#applying(), () => this.#ended());
    this.#job = job.isRunning ? job : null;
  }

  #ended(): void {
    this.#job = null;
    this.#tell(this.#version);
  }

  #tell(passed: number): void {
    const waiting = this.#waiting;
    this.#waiting = waiting.filter(({ version }) => version > passed);
    for (const { version, tell } of waiting) if (version <= passed) tell();
  }

  /** Resolves when the last change has taken effect everywhere. */
  applied(): Promise<void> {
    if (this.#job === null) return Promise.resolve();
    return new Promise((tell) => this.#waiting.push({ version: this.#version, tell }));
  }

  /** Has the last change take effect everywhere now, for callers that cannot wait. */
  finish(): void {
    this.#job?.finish();
  }

  /** After replay: a change may have been cut short. `hasLayers`: some queue was stored with policies. */
  restored(hasLayers: boolean): void {
    if (hasLayers || this.#count > 0) this.changed();
  }

  /** The virtual host goes. */
  close(): void {
    this.#job?.cancel();
    this.#ended();
  }

  *#applying(): Job<void> {
    try {
      for (;;) {
        const version = this.#version;
        yield* this.#passing();
        if (version === this.#version) return;
        this.#tell(version);
      }
    } finally {
      this.#isPassing = false;
    }
  }

  *#passing(): Job<void> {
    const vhost = this.#vhost;
    let units = 0;
    for (const exchange of vhost.exchanges.values()) {
      const unitsBefore = matchingUnits();
      if (exchange.applyLayers(this.layersOfExchange(exchange.name))) vhost.routingVersion++;
      units += unitsOfMatch * (1 + this.#count) + matchingUnits() - unitsBefore;
      if (units < unitsOfPiece) continue;
      yield units;
      units = 0;
    }
    for (const queue of vhost.queues.values()) {
      const before = queue.policies.layers;
      const unitsBefore = matchingUnits();
      try {
        queue.applyLayers(this.layersOf(queue));
      } catch (error) {
        // Of one queue whose records cannot be read: the others get their policies.
        queue.failed(error);
      }
      units += unitsOfMatch * (1 + this.#count) + matchingUnits() - unitsBefore;
      if (queue.policies.layers !== before) units += unitsOfChange;
      if (units < unitsOfPiece) continue;
      yield units;
      units = 0;
    }
  }
}

const scopesOfTypes: Readonly<Record<QueueType, PolicyScope>> = {
  classic: "classic_queues",
  quorum: "quorum_queues",
  stream: "streams",
};

function isQueueScope(scope: PolicyScope, subject: PolicySubject): boolean {
  return scope === "all" || scope === "queues" || scope === scopesOfTypes[queueTypeOf(subject)];
}
