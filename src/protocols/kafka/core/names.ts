/**
 * Converts names between Kafka, which has UTF-8, and the broker, which has latin1 strings of bytes.
 *
 * Kafka's own topics are ASCII; queues and streams of other protocols may have any name, and can be used here too.
 */
const nameCharactersMax = 249;
const legalName = /^[\w.-]+$/;

export function toBrokerName(name: string): string {
  return Buffer.byteLength(name) === name.length ? name : Buffer.from(name, "utf8").latin1Slice();
}

export function fromBrokerName(name: string): string {
  for (let i = 0; i < name.length; i++) {
    if (name.charCodeAt(i) > 0x7f) return Buffer.from(name, "latin1").utf8Slice();
  }
  return name;
}

/** The reason why no topic can be made with this name, in Kafka's words (org.apache.kafka.common.internals.Topic); or null. */
export function nameFault(name: string): string | null {
  if (name === "") return "Topic name is invalid: the empty string is not allowed";
  if (name === "." || name === "..") return `Topic name is invalid: '${name}' is not allowed`;
  if (name.length > nameCharactersMax) {
    return `Topic name is invalid: the length of '${name}' is longer than the max allowed length ${nameCharactersMax}`;
  }
  if (legalName.test(name)) return null;
  return `Topic name is invalid: '${name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'`;
}
