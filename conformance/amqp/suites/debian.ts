/**
 * The tests of bunny and php-amqplib, from checkouts that the command line names; Ruby, PHP and the test runners are Debian's
 * packages, since the registries of both languages are often out of reach.
 */
import fs from "node:fs";
import path from "node:path";
import { missingProgram, runsWell } from "../../../clients/toolchains/versions.ts";
import type { Checkouts, Suite } from "../suite.ts";
import { reportFile, suiteFolder } from "./cache.ts";
import { everything, putAll } from "./prepare.ts";

function written(name: string, file: string, text: string): string {
  const folder = suiteFolder(name);
  fs.mkdirSync(folder, { recursive: true });
  const at = path.join(folder, file);
  fs.writeFileSync(at, text);
  return at;
}

function missingCheckout(name: string, folder: string | undefined, tests: string): string | undefined {
  if (folder === undefined)
    return `no registry has its tests: --from ${name}=FOLDER names a checkout of its repository`;
  return fs.existsSync(path.join(folder, tests)) ? undefined : `${folder} has no ${tests}`;
}

const bunnyName = "bunny-2.19.0";
/** They need TLS with the suite's own certificates, a proxy, and a gem that Debian has not. */
const bunnySpecsLeftOut = ["tls_connection", "toxiproxy", "connection_recovery", "connection_stop"];

export function bunny({ bunny: folder }: Checkouts): Suite {
  return {
    name: bunnyName,
    missing: () => {
      const missing =
        missingCheckout("bunny", folder, "spec/higher_level_api") ??
        missingProgram({ program: "ruby", args: ["--version"], least: [3, 0] });
      if (missing !== undefined) return missing;
      return runsWell("ruby", ["-r", "rspec", "-r", "rspec_junit_formatter", "-r", "amq/protocol", "-e", ""])
        ? undefined
        : "ruby has no rspec: apt-get install ruby-rspec ruby-rspec-junit-formatter ruby-amq-protocol bundler";
    },
    prepare: (api) =>
      putAll(api, {
        "vhosts/bunny_testbed": {},
        "users/bunny_gem": { password: "bunny_password", tags: "" },
        "users/bunny_reader": { password: "reader_password", tags: "" },
        "permissions/bunny_testbed/bunny_gem": everything,
        "permissions/bunny_testbed/guest": everything,
        "permissions/bunny_testbed/bunny_reader": { configure: "^---$", write: "^---$", read: ".*" },
      }),
    open: async () => {
      const report = reportFile(bunnyName);
      // Its helper has Bundler load gems: those of the system, so the file names no source of them.
      const gems = ["amq-protocol", "sorted_set", "rspec", "rspec_junit_formatter"];
      const gemfile = written(bunnyName, "Gemfile", gems.map((gem) => `gem "${gem}"\n`).join(""));
      const leftOut = `**/{${bunnySpecsLeftOut.join(",")}}_spec.rb`;
      const options = ["-I", "lib", "--format", "RspecJunitFormatter", "--out", report];
      return {
        command: {
          program: "ruby",
          args: [
            "-S",
            "rspec",
            ...options,
            "--exclude-pattern",
            leftOut,
            "spec/higher_level_api",
            "spec/lower_level_api",
            "spec/issues",
          ],
          directory: folder!,
          env: { BUNDLE_GEMFILE: gemfile },
        },
        report,
      };
    },
  };
}

const phpName = "php-amqplib-3.7.3";
/**
 * They need a proxy, and a library that Debian has not; those of signals race with the clock. The tests of TLS need the suite's own
 * certificates.
 */
const phpGroupsLeftOut = ["proxy", "management", "signals"];
const phpFilter = "/^((?!SSLConnectionTest).)*$/";
/** What its composer.json says of classes. */
const phpBootstrap = (folder: string): string => `<?php
require_once "phpseclib3/autoload.php";
spl_autoload_register(function ($class) {
  foreach (["PhpAmqpLib\\\\Tests\\\\" => "tests/", "PhpAmqpLib\\\\" => "PhpAmqpLib/"] as $prefix => $in) {
    $file = "${folder}/$in" . str_replace("\\\\", "/", substr($class, strlen($prefix))) . ".php";
    if (str_starts_with($class, $prefix) && is_file($file)) { require_once $file; return; }
  }
});
require_once "${folder}/tests/php_compat_71.php";
require_once "${folder}/tests/config.php";
`;

export function phpAmqplib({ "php-amqplib": folder }: Checkouts): Suite {
  return {
    name: phpName,
    missing: () =>
      missingCheckout("php-amqplib", folder, "tests/Functional") ??
      missingProgram({ program: "phpunit", args: ["--version"], least: [9, 5] }),
    open: async () => {
      const report = reportFile(phpName);
      const bootstrap = written(phpName, "bootstrap.php", phpBootstrap(folder!));
      const leftOut = ["--exclude-group", phpGroupsLeftOut.join(","), "--filter", phpFilter];
      const options = [...leftOut, "--no-configuration", "--bootstrap", bootstrap, "--log-junit", report];
      return {
        command: { program: "phpunit", args: [...options, "tests/Functional"], directory: folder! },
        report,
      };
    },
  };
}
