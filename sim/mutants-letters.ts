/** Faults in the way home of dead letters and back, which the simulator must find (actors/letters-home.ts). */
import type { Mutant } from "../mutants/mutant.ts";

export const mutantsOfLetters: readonly Mutant[] = [
  {
    name: "a letter that goes home is removed from its place a tick later",
    file: "src/broker/operations/letters/move.ts",
    find: "  appendRecord(target.log.group, envelope.amqp, scratch.buffer, 0, length);\n  takeOut(source, reader);",
    replace:
      "  appendRecord(target.log.group, envelope.amqp, scratch.buffer, 0, length);\n  const { offset } = reader;\n  source.vhost.broker.timers.atTickEnd(() => source.removeAt(offset));",
  },
  {
    name: "an undo takes what a consumer holds",
    file: "src/broker/operations/letters/undo.ts",
    find: "if (isReady(home, reader.offset) && !isRead",
    replace: "if (!isRead",
  },
  {
    name: "what an undo takes from a group stays pending",
    file: "src/broker/groups/give-back.ts",
    find: "  if (!deadLetter(queue, cursor, reader, letter)) return false;\n  cursor.settle(offset);",
    replace: "  if (!deadLetter(queue, cursor, reader, letter)) return false;",
  },
  {
    name: "a letter that its group has got back stays among the dead letters",
    file: "src/broker/operations/letters/retry.ts",
    find: "    this.#operations.movesTo(this.operation, home.name);\n    takeOut(source, reader);",
    replace: "    this.#operations.movesTo(this.operation, home.name);",
  },
  {
    name: "an operation that a kill has cut short is shown as running",
    file: "src/broker/operations/operations.ts",
    find: "      if (operation.isRunning) this.#end(",
    replace: "      if (!operation.isRunning) this.#end(",
  },
];
