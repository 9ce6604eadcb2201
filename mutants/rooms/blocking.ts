/** Faults in what clients wait for (protocols/redis/blocking). */
import type { RoomMutant } from "../mutant.ts";

const clients = "src/protocols/redis/blocking/blocked-clients.ts";
const client = "src/protocols/redis/blocking/blocked-client.ts";

export const blockingMutants: readonly RoomMutant[] = [
  {
    name: "a client that found nothing does not stop those behind it",
    file: clients,
    find: "        if (!isOver && share !== null) break;\n",
    replace: "",
  },
  {
    name: "readers who do not take from each other stop at the first that finds nothing",
    file: clients,
    find: "        if (!isOver && share !== null) break;\n",
    replace: "        if (!isOver) break;\n",
    also: ["clients/redis/redis-blocking-real"],
  },
  {
    name: "keys that become ready while others are served are forgotten",
    file: clients,
    find: "    if (waiting.isReady) return;\n    waiting.isReady = true;",
    replace: "    if (waiting.isReady || this.#isServing) return;\n    waiting.isReady = true;",
  },
  {
    name: "a key stays ready once it was served",
    file: clients,
    find: "        waiting.isReady = false;\n",
    replace: "",
  },
  {
    name: "the key that became ready last is first",
    file: clients,
    find: "    this.#ready.push(waiting);",
    replace: "    this.#ready.unshift(waiting);",
  },
  {
    name: "who waits is served within the transaction that pushes",
    file: "src/protocols/redis/transaction/exec.ts",
    find: "    runBounded(context, endMax);\n",
    replace: "    runBounded(context, endMax);\n    server.blocking.serve();\n",
  },
  {
    name: "who waits is served when the tick ends",
    file: "src/protocols/redis/core/dispatch.ts",
    find: "  if (blocking.hasReady) blocking.serve();\n",
    replace: "  void blocking;\n",
  },
  {
    name: "what is behind a command that waited runs where that is answered",
    file: "src/protocols/redis/session.ts",
    find: "    if (later.hasWaited) this.#ensureHold().untilTickEnd();\n    else this.#resume();",
    replace: "    this.#resume();",
  },
  {
    name: "a change that no command makes wakes nobody before the next command",
    file: clients,
    find: "      this.#isTickEndAsked = false;\n      this.serve();",
    replace: "      this.#isTickEndAsked = false;",
  },
  {
    name: "serving does not mind what the turn has left",
    file: clients,
    find: "      while (!isWhole && !work.isSpent) {",
    replace: "      while (!isWhole) {",
  },
  {
    name: "a key that is named twice is waited for twice",
    file: clients,
    find: "    const keys = new Set(wait.keys);\n    this.#assertRoom(keys.size);",
    replace:
      "    const keys = { size: [...wait.keys].length, [Symbol.iterator]: () => wait.keys[Symbol.iterator]() };\n    this.#assertRoom(keys.size);",
  },
  {
    name: "keys of a client that is gone count as waited for",
    file: clients,
    find: "    this.#waits -= keys.length;\n",
    replace: "",
  },
  {
    name: "a swap of databases makes nothing ready in the second one",
    file: "src/protocols/redis/server/swapdb.ts",
    find: "    server.blocking.databaseChanged(other);\n",
    replace: "",
  },
  {
    name: "a wait whose attempt fails with an error goes on",
    file: client,
    find: "    let isAnswered = true;\n    finishClaims(this.#context);\n    try {",
    replace: "    let isAnswered = false;\n    finishClaims(this.#context);\n    try {",
  },
  {
    name: "an unblocked client is still served",
    file: client,
    find: "    if (this.isOver) return;\n    this.abandon();\n    const { reply }",
    replace: "    if (this.isOver) return;\n    const { reply }",
  },
  {
    name: "a timer goes on when the client was served",
    file: client,
    find: "    this.#timer?.cancel();\n",
    replace: "",
  },
  {
    name: "a wait longer than a timer may be ends with the first timer",
    file: client,
    find: "leftMs > limits.timerMsMax ? this.#endsAtMs - clock.monotonic() : 0",
    replace: "leftMs > Infinity ? this.#endsAtMs - clock.monotonic() : 0",
  },
  {
    name: "who waits for a stream that is deleted does not wait for the next one of its name",
    file: "src/protocols/redis/stream/stream-watch.ts",
    find: "    if (queue.isDeleted) this.#stand();\n    else blocking.serve();",
    replace: "    if (!queue.isDeleted) blocking.serve();",
    also: ["clients/redis/redis-blocking-real"],
  },
  {
    name: "a stream that is made for a name wakes nobody who waits for it",
    file: "src/protocols/redis/stream/stream-watch.ts",
    find: "  queueMade(): void {\n    this.#stand();",
    replace: "  queueMade(): void {",
    also: ["clients/redis/redis-blocking-real"],
  },
  {
    name: "changes of values are told while clients wait for streams alone",
    file: "src/protocols/redis/blocking/key-changes.ts",
    find: "this.#blocking.toldKeyCount === 0 &&",
    replace: "this.#blocking.keyCount === 0 &&",
  },
  {
    name: "a value wakes those who wait for one of another type",
    file: "src/protocols/redis/blocking/key-changes.ts",
    find: "this.#blocking.changed(type, database, key);",
    replace: 'this.#blocking.changed("string", database, key);',
  },
];
