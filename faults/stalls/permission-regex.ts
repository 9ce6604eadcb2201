/** A permission whose regular expression goes back exponentially, given by an operator in good faith, and a name made for it. */
import { api, makeUser, nothingAllowed } from "../../test/support/users.ts";
import {
  method,
  open,
  protocolHeader,
  shortText,
  startOk,
  tuneOk,
  uint,
} from "../../test/support/amqp-frames.ts";
import { RawClient } from "../../test/support/amqp-raw.ts";
import type { Attack } from "./attack.ts";

const patterns = ["^(a+)+$", "^(a|a)*$", "^(a|aa)+$", "^(.*a){12}$", "(x+x+)+y"];

function attackOf(pattern: string, i: number): Attack {
  let client: RawClient;
  let given = "";
  return {
    name: `permission-regex-${i + 1}`,
    what: `queue.declare of a name of 255 letters by a user whose permission is ${pattern}`,
    async prepare({ broker, atEnd }) {
      await makeUser(broker, "u", "p", nothingAllowed);
      const permission = { configure: pattern, write: pattern, read: pattern };
      given = String((await api(broker, "PUT", "permissions/%2F/u", permission)).status);
      client = new RawClient(broker.amqpUrl);
      atEnd(() => client.destroy());
      client.send(protocolHeader);
      await client.method("10.10");
      client.send(startOk("u", "p", ["authentication_failure_close"]));
      await client.method("10.30");
      client.send(tuneOk(100, 131_072, 0), open("/"));
      await client.method("10.41");
      client.send(method(1, 20, 10, shortText("")));
      await client.method("20.11");
    },
    async attack() {
      const name = `${(pattern.includes("x") ? "x" : "a").repeat(254)}b`;
      client.send(method(1, 50, 10, uint(2, 0), shortText(name), Buffer.of(0), Buffer.alloc(4)));
      const answer = Promise.any([client.closing(), client.method("50.11").then(() => "queue.declare-ok")]);
      return `${given}; ${await answer}`;
    },
  };
}

export default patterns.map(attackOf);
