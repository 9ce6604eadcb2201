/** Wraps the handlers of this family: without `--redis-cluster-enabled` they answer what redis answers without `cluster-enabled`. */
import type { CommandContext, CommandHandler } from "../core/context.ts";
import { RedisError } from "../core/errors.ts";
import type { ClusterNode } from "./cluster-node.ts";

export function inCluster(run: (context: CommandContext, node: ClusterNode) => void): CommandHandler {
  return (context) => {
    const { cluster } = context.server;
    if (cluster === null) throw new RedisError("ERR This instance has cluster support disabled");
    run(context, cluster);
  };
}

/** Argument `index` names a node; there is one, by its id. Throws redis's error for another one. */
export function assertThisNode({ request }: CommandContext, index: number, node: ClusterNode): void {
  if (request.latin1(index) !== node.id) throw new RedisError(`ERR Unknown node ${request.latin1(index)}`);
}
