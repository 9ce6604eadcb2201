/** A wrong value of a setting of our own is answered by what to give, in a policy and as an argument of a queue. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { policyFaults } from "../../../src/broker/policy/definition-rules.ts";
import { checkQueueArguments } from "../../../src/protocols/amqp/commands/queue-arguments.ts";

const names = [
  "history-ms",
  "history-bytes",
  "retry-limit",
  "retry-backoff-ms",
  "retry-factor",
  "retry-max-ms",
  "retry-jitter",
  "retry-keeps-order",
  "delay-allowed",
  "dedup-window-ms",
  "dedup-by",
  "trace-sample",
];

for (const name of names)
  test(name, () => {
    const value = { pattern: "a", definition: { [name]: "yes" }, priority: 0 };
    const [fault] = policyFaults("policy", "p", value);
    assert.match(fault!, new RegExp(String.raw`^<<"yes">> is not a valid .* \(${name}\): give [\w ,:-]+$`));
    const declare = {
      arguments: [{ name: `x-${name}`, field: { type: "S", value: "yes" } }],
    } as unknown as Parameters<typeof checkQueueArguments>[0];
    assert.throws(
      () => checkQueueArguments(declare, "queue 'q' in vhost '/'"),
      new RegExp(`invalid arg 'x-${name}' for queue 'q' in vhost '/': give `),
    );
  });
