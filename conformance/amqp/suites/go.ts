/** The tests of Go modules, which come with their sources and are run in Go's own cache. */
import { run } from "../../../bench/peers/command.ts";
import { missingProgram } from "../../../clients/toolchains/versions.ts";
import type { Suite } from "../suite.ts";
import { reportFile } from "./cache.ts";
import { everything, putAll } from "./prepare.ts";

interface GoSuite {
  readonly name: string;
  /** With its version. */
  readonly module: string;
  readonly args: readonly string[];
  /** Their names are not those of Go's tests, so they are read from a report of its own, by this flag. */
  readonly reportFlag?: string;
  readonly prepare?: Suite["prepare"];
}

const timeOut = ["-timeout", "9m"];

function goSuite({ name, module, args, reportFlag, prepare }: GoSuite): Suite {
  return {
    name,
    missing: () => missingProgram({ program: "go", args: ["env", "GOVERSION"], least: [1, 21] }),
    open: async () => {
      const download = ["mod", "download", "-json", module];
      const text = await run({ program: "go", args: download, directory: import.meta.dirname });
      const { Dir: directory } = JSON.parse(text) as { Dir: string };
      await run({ program: "go", args: ["mod", "download"], directory });
      const all = ["test", "-count=1", "-json", ...timeOut, ...args];
      if (reportFlag === undefined) return { command: { program: "go", args: all, directory } };
      const report = reportFile(name);
      return { command: { program: "go", args: [...all, `${reportFlag}=${report}`], directory }, report };
    },
    ...(prepare === undefined ? {} : { prepare }),
  };
}

export const amqp091Go = goSuite({
  name: "amqp091-go-1.16.0",
  module: "github.com/rabbitmq/amqp091-go@v1.16.0",
  args: ["-tags", "integration", "."],
});

/** As its own bin/ci/before_build.sh, but for what is about rabbitmq-server's statistics (servers.ts). */
const prepareRabbitHole = (api: string): Promise<void> =>
  putAll(api, {
    "vhosts/rabbit%2Fhole": {},
    "users/policymaker": { password: "policymaker", tags: "policymaker" },
    "permissions/%2F/policymaker": everything,
    "permissions/rabbit%2Fhole/guest": everything,
    "cluster-name": { name: "rabbitmq@localhost" },
  });

export const rabbitHole = goSuite({
  name: "rabbit-hole-2.16.0",
  module: "github.com/michaelklishin/rabbit-hole/v2@v2.16.0",
  args: ["."],
  reportFlag: "-ginkgo.junit-report",
  prepare: prepareRabbitHole,
});
