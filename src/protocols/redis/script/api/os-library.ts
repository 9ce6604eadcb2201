/**
 * What scripts have of Lua's `os` since Redis 7.4: `os.clock()`, the processor time of the process in seconds, by which a script measures
 * itself. Nothing else of it is there: scripts have no files, no environment and no time of day.
 */
import type { HostFacts } from "../../server.ts";
import type { Definitions } from "../lua/define.ts";
import type { LuaInstance } from "../lua/lua-instance.ts";

export function osLibrary({ raw }: LuaInstance, host: HostFacts): Definitions {
  return {
    clock: (state) => {
      const { user, system } = host.cpuSeconds();
      raw.lua_pushnumber(state, user + system);
      return 1;
    },
  };
}
