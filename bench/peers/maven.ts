/**
 * Apache Kafka and RabbitMQ's PerfTest, with the libraries they need, by Maven's own client into .peers/NAME/lib.
 */
import fs from "node:fs";
import path from "node:path";
import { findProgram, peersFolder } from "../base/programs.ts";
import { run } from "./command.ts";
import type { FetchedPeer } from "./contract.ts";

interface Artifact {
  readonly group: string;
  readonly name: string;
  readonly version: string;
}

const kafka = (name: string): Artifact => ({ group: "org.apache.kafka", name, version: "4.3.1" });

export const mavenPeers: readonly FetchedPeer[] = [
  // Its load tools are an artifact of their own.
  mavenPeer("Apache Kafka", "kafka", [kafka("kafka_2.13"), kafka("kafka-tools")]),
  mavenPeer("RabbitMQ PerfTest", "perf-test", [
    { group: "com.rabbitmq", name: "perf-test", version: "2.22.1" },
  ]),
];

function mavenPeer(name: string, folderName: string, artifacts: readonly Artifact[]): FetchedPeer {
  const folder = path.join(peersFolder, folderName);
  const libraries = path.join(folder, "lib");
  const isThere = () =>
    fs.existsSync(libraries) &&
    artifacts.every((artifact) =>
      fs.readdirSync(libraries).some((file) => file.startsWith(`${artifact.name}-`)),
    );
  return {
    name,
    isThere,
    async fetch() {
      if (findProgram("java") === undefined) throw new Error("no Java (17 or later) to run it with");
      if (findProgram("mvn") === undefined) throw new Error("no mvn (Apache Maven) to fetch it with");
      fs.mkdirSync(folder, { recursive: true });
      const project = path.join(folder, "pom.xml");
      fs.writeFileSync(project, projectOf(artifacts));
      const part = path.join(folder, "lib.part");
      fs.rmSync(part, { recursive: true, force: true });
      const goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", `-DoutputDirectory=${part}`];
      await run({ program: "mvn", args: [...goal, "-q", "-B", "-f", project], directory: folder });
      fs.rmSync(libraries, { recursive: true, force: true });
      fs.renameSync(part, libraries);
    },
  };
}

function projectOf(artifacts: readonly Artifact[]): string {
  const dependencies = artifacts.map(
    ({ group, name, version }) =>
      `    <dependency><groupId>${group}</groupId><artifactId>${name}</artifactId>` +
      `<version>${version}</version></dependency>\n`,
  );
  return (
    `<project xmlns="http://maven.apache.org/POM/4.0.0">\n  <modelVersion>4.0.0</modelVersion>\n` +
    `  <groupId>bench</groupId><artifactId>bench</artifactId><version>1</version>\n` +
    `  <dependencies>\n${dependencies.join("")}  </dependencies>\n</project>\n`
  );
}
