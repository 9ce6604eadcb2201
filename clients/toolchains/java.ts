/**
 * Java: Maven brings the libraries that clients/java/NAME/pom.xml pins, and javac compiles the sources beside it with those of
 * clients/java itself. The class with `main` is called Main.
 */
import fs from "node:fs";
import path from "node:path";
import { run } from "../../bench/peers/command.ts";
import { cachedFolder, clientsFolder, fillOnce } from "../base/cache.ts";
import type { Toolchain } from "../base/row.ts";
import { missingProgram } from "./versions.ts";

const folder = path.join(clientsFolder, "java");
const copyDependencies = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";

export function java(name: string): Toolchain {
  const pom = `java/${name}/pom.xml`;
  const libraries = (): string => cachedFolder(`java-${name}`, [pom]);
  return {
    debianPackages: ["default-jdk-headless", "maven"],
    missing: () =>
      missingProgram({ program: "javac", args: ["-version"], least: [17, 0] }) ??
      missingProgram({ program: "mvn", args: ["--batch-mode", "--version"], least: [3, 6] }),
    fetch: () =>
      fillOnce(libraries(), async (directory) => {
        const args = ["--quiet", "--batch-mode", "--file", path.join(clientsFolder, pom), copyDependencies];
        await run({ program: "mvn", args: [...args, `-DoutputDirectory=${directory}`], directory });
      }),
    build: async () => {
      const classes = path.join(libraries(), "classes");
      const sources = [folder, path.join(folder, name)].flatMap((each) =>
        fs.readdirSync(each).flatMap((file) => (file.endsWith(".java") ? [path.join(each, file)] : [])),
      );
      const classPath = `${classes}${path.delimiter}${path.join(libraries(), "*")}`;
      const args = ["-proc:none", "-nowarn", "-d", classes, "-cp", classPath, ...sources];
      await run({ program: "javac", args, directory: folder });
      return { program: "java", args: ["-Xmx256m", "-cp", classPath, "Main"], directory: folder };
    },
  };
}
