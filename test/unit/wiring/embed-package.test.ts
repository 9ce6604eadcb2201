/**
 * The library as a program finds it: `npm pack`, installed below node_modules with this checkout's dependencies beside
 * it. Its types under the oldest and the newest TypeScript, `import` and `require` on each runtime, and what an old Node
 * is told.
 */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import type * as declared from "../../../bin/embed.js";
import { findBun, findNode } from "../../../bin/runtime.js";
import type * as source from "../../../src/embed.ts";

const root = join(import.meta.dirname, "../../..");
const project = mkdtempSync(join(tmpdir(), "troikamq-package-"));
const modules = join(project, "node_modules");
after(() => rmSync(project, { recursive: true, force: true }));

/** Without optional members, so that one that is missing differs. */
type Whole<Options extends { ports?: object | undefined }> = Required<Omit<Options, "ports">> & {
  ports: Required<NonNullable<Options["ports"]>>;
};
type Same<A, B> = [A, B] extends [B, A] ? true : false;

test("bin/embed.d.ts declares what src/embed.ts is", () => {
  const same: [
    Same<Whole<declared.StartOptions>, Whole<source.StartOptions>>,
    Same<keyof declared.StartOptions, keyof source.StartOptions>,
    Same<Required<declared.RunningBroker>, Required<source.RunningBroker>>,
    Same<ReturnType<typeof declared.startBroker>, ReturnType<typeof source.startBroker>>,
  ] = [true, true, true, true];
  assert.equal(same.length, 4);
});

// It starts every runtime itself, so one that runs this file is enough.
suite("installed", { skip: process.platform === "win32" || process.versions.bun !== undefined }, () => {
  before(() => {
    execFileSync("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", project], {
      cwd: root,
    });
    const tarball = readdirSync(project).find((name) => name.endsWith(".tgz"))!;
    const home = join(modules, "troikamq");
    mkdirSync(home, { recursive: true });
    execFileSync("tar", ["-xzf", join(project, tarball), "--strip-components=1", "-C", home]);
    const { dependencies } = JSON.parse(readFileSync(join(home, "package.json"), "utf8")) as {
      dependencies: Record<string, string>;
    };
    for (const name of Object.keys(dependencies)) {
      mkdirSync(join(modules, name, ".."), { recursive: true });
      symlinkSync(join(root, "node_modules", name), join(modules, name));
    }
  });

  const use = `
const options = { ports: { redis: 0, amqp: "off", kafka: "off", http: "off" }, memoryBytesMax: "10%" } as const;
export async function use(): Promise<number | undefined> {
  const broker: RunningBroker = await startBroker(options);
  const given: StartOptions = { dataDir: "memory", logLevel: "error", host: undefined };
  const tls: AnyPortName = "redisTls";
  // @ts-expect-error an option that is misspelt
  await startBroker({ datadir: "memory" });
  // @ts-expect-error a value of another type
  await startBroker({ ports: { redis: "6379" } });
  broker.reloadTls?.();
  await broker.close();
  return given.ports === undefined ? broker.ports[tls] : broker.ports.redis;
}
`;
  const named = `import { startBroker, type AnyPortName, type RunningBroker, type StartOptions } from "troikamq";\n${use}`;
  /** The forms of modules in which TypeScript programs are written. */
  const forms: [module: string, resolution: string, files: string[]][] = [
    ["nodenext", "nodenext", ["program.mts", "program.cts"]],
    ["esnext", "bundler", ["program.ts"]],
  ];

  for (const compiler of ["typescript-oldest", "typescript"]) {
    const { version } = JSON.parse(
      readFileSync(join(root, "node_modules", compiler, "package.json"), "utf8"),
    ) as { version: string };
    for (const [module, resolution, files] of forms) {
      test(`types: TypeScript ${version}, ${resolution}, ${files.join(" and ")}`, () => {
        for (const file of files) writeFileSync(join(project, file), named);
        const config = join(project, `tsconfig.${resolution}.json`);
        const compilerOptions = {
          strict: true,
          exactOptionalPropertyTypes: true,
          skipLibCheck: false,
          noEmit: true,
          target: "es2022",
          lib: ["es2022"],
          types: [],
          module,
          moduleResolution: resolution,
        };
        writeFileSync(config, JSON.stringify({ compilerOptions, files }));
        const tsc = join(root, "node_modules", compiler, "bin/tsc");
        const { status, stdout } = spawnSync(findNode()!, [tsc, "-p", config], { encoding: "utf8" });
        assert.deepEqual([status, stdout], [0, ""]);
      });
    }
  }

  interface Outcome {
    readonly status: number | null;
    readonly stdout: string;
    readonly stderr: string;
  }

  function run(runtime: string, args: string[], name: string, text: string): Outcome {
    writeFileSync(join(project, name), text);
    return spawnSync(runtime, [...args, join(project, name)], { encoding: "utf8", timeout: 30_000 });
  }

  const start = `startBroker({ ports: { amqp: "off", kafka: "off", http: "off" } }).then(async (broker) => {
  console.log(typeof broker.ports.redis, broker.dataDir);
  await broker.close();
  await startBroker({ datadir: "d" });
}).catch((error) => { console.log(error.message); process.exitCode = 3; });\n`;
  const programs: [name: string, text: string][] = [
    ["esm.mjs", `import { startBroker } from "troikamq";\n${start}`],
    ["cjs.cjs", `const { startBroker } = require("troikamq");\n${start}`],
  ];
  const runtimes: [name: string, path: string | undefined, args: string[]][] = [
    ["Bun", findBun(), []],
    ["Node", findNode(), ["--disable-warning=ExperimentalWarning"]],
  ];
  for (const [runtime, path, args] of runtimes) {
    for (const [name, text] of programs) {
      test(`${runtime}: ${name}`, { skip: path === undefined }, () => {
        const { status, stdout, stderr } = run(path!, args, name, text);
        const told = "number memory\nstartBroker: unknown option datadir; did you mean dataDir?\n";
        assert.deepEqual([status, stdout, stderr], [3, told, ""]);
      });
    }
  }

  test("an old Node is told in one line what is needed", () => {
    const hide = join(project, "as-node-20.mjs");
    const forget = "delete nodeModule.registerHooks;\ndelete nodeModule.stripTypeScriptTypes;\n";
    writeFileSync(
      hide,
      `import nodeModule from "node:module";\n${forget}nodeModule.syncBuiltinESMExports();\n`,
    );
    for (const [name, text] of programs) {
      const { status, stdout, stderr } = run(findNode()!, ["--import", hide], name, text);
      assert.deepEqual([status, stderr], [3, ""]);
      assert.match(stdout, /^troikamq needs Node 22\.15 or later, or Bun, .* this is Node [\d.]+\. .*\n$/);
    }
  });
});
