/**
 * rabbitmqadmin-ng, RabbitMQ's newer command line (`cargo install rabbitmqadmin`): its usual commands end well. It takes minutes to
 * build, so TROIKAMQ_TEST_RABBITMQADMIN_NG names the program where it is to be run.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { startTestBroker } from "../../support/broker.ts";

const program = process.env["TROIKAMQ_TEST_RABBITMQADMIN_NG"] ?? "";
const skip = program === "" && "only with TROIKAMQ_TEST_RABBITMQADMIN_NG, the path of rabbitmqadmin 2";

/** In order. NODE and PORT stand for the broker's own. */
const commands: readonly string[] = [
  "show overview",
  "show churn",
  "show memory_breakdown_in_bytes --node NODE",
  "show memory_breakdown_in_percent --node NODE",
  "nodes list",
  "plugins list_all",
  "vhosts declare --name v1 --description d",
  "vhosts list",
  "vhosts enable_deletion_protection --name v1",
  "vhosts disable_deletion_protection --name v1",
  "users declare --name u1 --password pw --tags monitoring",
  "users list",
  "permissions declare --user u1 --configure .* --read .* --write .*",
  "permissions list",
  "user_limits declare --user u1 --name max-connections --value 10",
  "user_limits list",
  "-V v1 vhost_limits declare --name max-queues --value 100",
  "vhost_limits list",
  "exchanges declare --name e1 --type topic",
  "exchanges declare --name e2 --type fanout",
  "exchanges list",
  "queues declare --name q1",
  "queues declare --name q2 --type quorum",
  'queues declare --name q3 --arguments {"x-max-length":5}',
  "streams declare --name s1 --expiration 8h",
  "streams list",
  "queues list",
  "queues show --name q1",
  "bindings declare --source e1 --destination-type queue --destination q1 --routing-key a.#",
  "exchanges bind --source e1 --destination-type exchange --destination e2 --routing-key z",
  "bindings list",
  "exchanges unbind --source e1 --destination-type exchange --destination e2 --routing-key z",
  'policies declare --name p1 --pattern ^q --apply-to queues --definition {"max-length":100} --priority 3',
  'policies declare_override --name p1 --definition {"max-length":50}',
  "policies update_definition --name p1 --definition-key max-length --new-value 77",
  'policies patch --name p1 --definition {"expires":1000000}',
  "policies list",
  "policies list_matching_object --name q1 --type queues",
  'operator_policies declare --name op1 --pattern ^q --apply-to queues --definition {"max-length":1000}',
  "operator_policies list",
  "parameters list_all",
  'global_parameters set --name g1 --value {"a":1}',
  "global_parameters list",
  "global_parameters clear --name g1",
  "publish message --routing-key q1 --payload hello",
  "publish message --exchange e1 --routing-key a.b --payload two",
  "get messages --queue q1 --count 5",
  "queues purge --name q1",
  "list consumers",
  "connections list",
  "channels list",
  "feature_flags list",
  "feature_flags enable_all",
  "deprecated_features list",
  "deprecated_features list_used",
  "health_check local_alarms",
  "health_check cluster_wide_alarms",
  "health_check node_is_quorum_critical",
  "health_check port_listener --port PORT",
  "health_check protocol_listener --protocol http",
  "auth_attempts stats --node NODE",
  "definitions export --file all.json",
  "definitions import --file all.json",
  "-V v1 definitions export_from_vhost --file v1.json",
  "-V v1 definitions import_into_vhost --file v1.json",
  "shovels list_all",
  "federation list_all_links",
  "federation list_all_upstreams",
  "rebalance queues",
  "policies delete --name p1",
  "operator_policies delete --name op1",
  "queues delete --name q1",
  "streams delete --name s1",
  "queues delete_multiple --name-pattern ^q --approve",
  "exchanges delete --name e1",
  "permissions delete --user u1",
  "user_limits delete --user u1 --name max-connections",
  "-V v1 vhost_limits delete --name max-queues",
  "users delete --name u1",
  "vhosts delete --name v1",
];

test("the usual commands end well", { skip }, async () => {
  const broker = await startTestBroker({ dataDir: "memory" });
  const directory = mkdtempSync(join(tmpdir(), "rabbitmqadmin-ng-"));
  const url = `http://127.0.0.1:${broker.ports.http}/api/overview`;
  const authorization = `Basic ${Buffer.from("guest:guest").toString("base64")}`;
  const { node } = (await (await fetch(url, { headers: { authorization } })).json()) as { node: string };
  const door = `-H 127.0.0.1 -P ${broker.ports.http} -u guest -p guest --non-interactive`.split(" ");
  const failed: string[] = [];
  for (const command of commands) {
    const words = command.replace("NODE", node).replace("PORT", String(broker.ports.http)).split(" ");
    const options = { cwd: directory, env: { ...process.env, HOME: directory } };
    await new Promise<void>((resolve) => {
      execFile(program, [...door, ...words], options, (error, stdout, stderr) => {
        if (error !== null) failed.push(`${command}: ${stdout} ${stderr}`);
        resolve();
      });
    });
  }
  rmSync(directory, { recursive: true });
  await broker.stop();
  assert.deepEqual(failed, []);
});
