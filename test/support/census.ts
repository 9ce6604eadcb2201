/**
 * How large everything is that can be reached from an object: each table, set, list and buffer in each field, private ones
 * too, and how many instances there are of each class. Two censuses that are equal say that nothing was left behind.
 *
 * Private fields are read by the inspector, so this works in Node only. Not here: what functions hold, and modules.
 */
import inspector from "node:inspector";

export type Census = Readonly<Record<string, number>>;

const bridge = globalThis as { censusObject?: unknown };
const plain = new Set<unknown>([Object.prototype, null]);

/** `left`: names of fields that are not looked into, since they never change or are somebody else's. */
export function censusOf(roots: Readonly<Record<string, object>>, left: ReadonlySet<string>): Census {
  const session = new inspector.Session();
  session.connect();
  const sizes: Record<string, number> = {};
  const seen = new Set<object>([globalThis]);
  const waiting: { value: object; place: string }[] = [];

  const count = (what: string, size: number): void => {
    sizes[what] = (sizes[what] ?? 0) + size;
  };
  const meet = (value: unknown, place: string): void => {
    if (typeof value !== "object" || value === null || seen.has(value)) return;
    seen.add(value);
    waiting.push({ value, place });
  };

  try {
    for (const [name, root] of Object.entries(roots)) meet(root, name);
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const { value, place } = next;
      if (value instanceof Map) {
        count(place, value.size);
        for (const [key, each] of value) {
          meet(key, `${place}[]`);
          meet(each, `${place}[]`);
        }
      } else if (value instanceof Set) {
        count(place, value.size);
        for (const each of value) meet(each, `${place}[]`);
      } else if (ArrayBuffer.isView(value)) count(place, value.byteLength);
      else if (Array.isArray(value)) {
        count(place, value.length);
        for (const each of value) meet(each, `${place}[]`);
      } else {
        const isPlain = plain.has(Object.getPrototypeOf(value));
        const name = isPlain ? place : value.constructor.name;
        if (!isPlain) count(`instances of ${name}`, 1);
        for (const [field, each] of Object.entries(value))
          if (!left.has(`${name}.${field}`)) meet(each, `${name}.${field}`);
        if (isPlain) continue;
        for (const [field, each] of privateFieldsOf(session, value))
          if (!left.has(`${name}.${field}`)) meet(each, `${name}.${field}`);
      }
    }
  } finally {
    delete bridge.censusObject;
    session.disconnect();
  }
  return sizes;
}

function privateFieldsOf(session: inspector.Session, value: object): [name: string, value: unknown][] {
  const objectGroup = "census";
  bridge.censusObject = value;
  const { result } = ask(session, "Runtime.evaluate", {
    expression: "globalThis.censusObject",
    objectGroup,
  }) as inspector.Runtime.EvaluateReturnType;
  const { objectId } = result;
  // Not in the types of every version.
  const { privateProperties } = ask(session, "Runtime.getProperties", { objectId, ownProperties: true }) as {
    privateProperties?: { name: string; value?: { objectId?: string } }[];
  };
  const fields: [string, unknown][] = [];
  for (const { name, value: field } of privateProperties ?? []) {
    if (field?.objectId === undefined) continue;
    ask(session, "Runtime.callFunctionOn", {
      objectId: field.objectId,
      functionDeclaration: "function () { globalThis.censusObject = this; }",
    });
    fields.push([name, bridge.censusObject]);
  }
  ask(session, "Runtime.releaseObjectGroup", { objectGroup });
  return fields;
}

/** The session of one's own process answers before `post` returns. */
function ask(session: inspector.Session, method: string, parameters: object): unknown {
  let answer: unknown;
  session.post(method, parameters, (error, result) => {
    if (error !== null) throw new Error(`${method}: ${error.message}`);
    answer = result;
  });
  return answer;
}

/** What is larger or smaller in the second: empty when nothing is. */
export function differenceOf(before: Census, after: Census): Record<string, string> {
  const difference: Record<string, string> = {};
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [was, is] = [before[name] ?? 0, after[name] ?? 0];
    if (was !== is) difference[name] = `${was} -> ${is}`;
  }
  return difference;
}
