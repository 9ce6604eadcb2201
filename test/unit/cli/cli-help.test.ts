/** The help of the commands that talk to a broker: each has examples, which the command itself takes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { allDefined } from "../../../cli/client/program.ts";
import { clientCommandNames } from "../../../cli/commands.ts";

const commands = await allDefined();

test("every command has help with examples, and lines that fit", () => {
  assert.deepEqual(
    commands.map((command) => command.name()),
    clientCommandNames,
  );
  for (const command of commands) {
    let text = "";
    command.configureOutput({ writeOut: (piece) => (text += piece), getOutHelpWidth: () => 80 });
    command.outputHelp();
    assert.match(text, /^Usage: /);
    const [, examples = ""] = text.split("\nExamples:\n");
    const lines = examples.split("\n").filter((line) => line !== "");
    assert.ok(lines.length > 0, command.name());
    for (const line of lines) assert.match(line, /troikamq [a-z]+/);
  }
});
