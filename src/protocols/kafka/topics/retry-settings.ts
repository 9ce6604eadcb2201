/**
 * Who may say that a topic's records are given up, and where they go then: dead letters are written without their consumers' asking, so
 * whoever names the place must be allowed to write there, and to make it.
 *
 * Not here: what the values may be (config-definitions.ts). The same rule as that of TROIKA.GROUP and of `x-retry-limit`.
 */
import { deadLetterTopicSetting } from "../../../broker/policy/topic-settings.ts";
import { deadQueueName } from "../../../broker/retry/dead-queue.ts";
import { mayCreateTopic, mayUseWholeTopic } from "../core/authorize.ts";
import type { Call } from "../core/call.ts";
import type { SettingsFault, TopicSettings } from "./changed-configs.ts";
import type { KafkaTopic } from "./directory.ts";

const limitSetting = "troika.retry.limit";
type Settings = Readonly<TopicSettings>;

/** `topic` is undefined while it is being made. */
export function retrySettingsFault(
  call: Call,
  name: string,
  topic: KafkaTopic | undefined,
  settings: Settings,
): SettingsFault | null {
  const before: Settings = topic?.configs ?? {};
  const place = settings[deadLetterTopicSetting]?.trim() ?? "";
  const isChanged = [limitSetting, deadLetterTopicSetting].some((each) => settings[each] !== before[each]);
  if (!isChanged || (place === "" && Number(settings[limitSetting] ?? -1) < 0)) return null;
  if (place === name) return invalid("a topic cannot have its own dead letters");
  if (place !== "" && topic?.queue(0)?.kind === "queue") {
    return invalid(
      `'${name}' is an AMQP queue: its dead letters go to its dead-letter exchange, else to '${deadQueueName(name)}'`,
    );
  }
  const puts = place === "" ? deadQueueName(name) : place;
  if (mayPut(call, puts)) return null;
  return {
    error: "TOPIC_AUTHORIZATION_FAILED",
    text: `Dead letters would go to '${puts}', to which you may not write.`,
  };
}

function invalid(problem: string): SettingsFault {
  return {
    error: "INVALID_CONFIG",
    text: `Invalid value for configuration ${deadLetterTopicSetting}: ${problem}`,
  };
}

function mayPut(call: Call, name: string): boolean {
  if (!mayUseWholeTopic(call, "write", name)) return false;
  return call.server.topics.find(name) !== undefined || mayCreateTopic(call, name);
}
