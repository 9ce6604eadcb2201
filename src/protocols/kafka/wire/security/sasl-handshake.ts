/** SaslHandshake: choose the mechanism. After version 0 raw tokens follow, after version 1 SaslAuthenticate requests. */
import { Api } from "../api.ts";
import { arrayOf, int16, string } from "../schema.ts";

export const SaslHandshake = new Api({
  key: 17,
  name: "SaslHandshake",
  versions: [0, 1],
  request: {
    mechanism: string(),
  },
  response: {
    errorCode: int16(),
    mechanisms: arrayOf(string()),
  },
});
