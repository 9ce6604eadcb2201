/** DeleteTopics: by name up to version 5, by name or id from version 6. */
import { Api } from "../api.ts";
import { array, arrayOf, int16, int32, string, uuid, zeroUuid } from "../schema.ts";

export const DeleteTopics = new Api({
  key: 20,
  name: "DeleteTopics",
  versions: [1, 6],
  flexibleSince: 4,
  request: {
    topics: array(
      { name: string({ nullable: 6, default: null }), topicId: uuid({ default: zeroUuid }) },
      { since: 6, default: [] },
    ),
    topicNames: arrayOf(string(), { until: 5, default: [] }),
    timeoutMs: int32(),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    responses: array({
      name: string({ nullable: 6 }),
      topicId: uuid({ since: 6, default: zeroUuid }),
      errorCode: int16(),
      errorMessage: string({ since: 5, nullable: 5, default: null }),
    }),
  },
});
