/** ASKING      READONLY      READWRITE: of a client that is sent from node to node. There is one node, so they change nothing. */
import type { CommandRow } from "../core/command-spec.ts";
import { inCluster } from "./in-cluster.ts";

const run = inCluster(({ reply }) => reply.ok());

export const redirectionCommands: readonly CommandRow[] = [
  {
    name: "asking",
    arity: 1,
    flags: ["fast"],
    categories: ["connection"],
    since: "3.0.0",
    complexity: "O(1)",
    summary: "Lets the next command reach a slot that is being imported.",
    run,
  },
  {
    name: "readonly",
    arity: 1,
    flags: ["loading", "stale", "fast"],
    categories: ["connection"],
    since: "3.0.0",
    complexity: "O(1)",
    summary: "Lets this connection read from a replica of the cluster.",
    run,
  },
  {
    name: "readwrite",
    arity: 1,
    flags: ["loading", "stale", "fast"],
    categories: ["connection"],
    since: "3.0.0",
    complexity: "O(1)",
    summary: "Takes back READONLY.",
    run,
  },
];
