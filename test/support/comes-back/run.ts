/** Runs cells of the matrix beside each other over one broker. Invariant: what went wrong in one cell does not end the others. */
import type { Cell } from "./cells.ts";
import { nameOf } from "./cells.ts";
import { CellRun } from "./policies.ts";
import { type Restart, World } from "./world.ts";

const wordOf = (text: string): string => text.replaceAll(/[^A-Za-z]+/g, "-").toLowerCase();

/** What was wrong, a text for each cell that failed. `beside` is set for each cell too, and must not change what holds in it. */
export async function runCells(
  cells: readonly Cell[],
  restart: Restart,
  beside: Readonly<Record<string, unknown>> = {},
): Promise<string[]> {
  const world = await World.start(restart, cells.length);
  const wrong: string[] = [];
  try {
    for (const { name, definition } of new Set(cells.map(({ policy }) => policy))) {
      const whole = { ...beside, ...definition };
      if (Object.keys(whole).length > 0)
        await world.change("PUT", `policies/%2F/${wordOf(name)}`, {
          // The names of dead letters are longer.
          pattern: `^${wordOf(name)}\\.[a-z-]+\\.[a-z-]+$`,
          definition: whole,
          "apply-to": "queues",
          priority: 10,
        });
    }
    await Promise.all(cells.map((cell) => runCell(world, cell, wrong)));
  } finally {
    await world.stop();
  }
  return wrong;
}

async function runCell(world: World, { policy, producer, consumer }: Cell, wrong: string[]): Promise<void> {
  const run = new CellRun(
    world,
    [policy, producer, consumer].map(({ name }) => wordOf(name)).join("."),
    producer,
    consumer,
  );
  try {
    await consumer.make(world, run.name);
    await policy.run(run);
  } catch (error) {
    wrong.push(`${nameOf(policy.name, producer.name, consumer.name)}: ${(error as Error).message}`);
    await run.stop();
  } finally {
    world.over();
  }
}
