/** SaslAuthenticate: one token of the chosen mechanism each way. */
import { Api } from "../api.ts";
import { bytes, int16, int64, string } from "../schema.ts";

export const SaslAuthenticate = new Api({
  key: 36,
  name: "SaslAuthenticate",
  versions: [0, 2],
  flexibleSince: 2,
  request: {
    authBytes: bytes(),
  },
  response: {
    errorCode: int16(),
    errorMessage: string({ nullable: 0 }),
    authBytes: bytes(),
    sessionLifetimeMs: int64({ since: 1, default: 0 }),
  },
});
