/** SaslAuthenticate: the client's credentials. After a refusal the connection is closed, as in Kafka. */
import type { Handler } from "../call.ts";
import { authenticate } from "../sasl.ts";
import { errorCodes } from "../wire/error-codes.ts";

const noBytes = Buffer.alloc(0);

export const saslAuthenticate: Handler<"SaslAuthenticate"> = (call, { authBytes }) => {
  if (authenticate(call.caller, authBytes)) {
    return { errorCode: errorCodes.NONE, errorMessage: null, authBytes: noBytes };
  }
  call.answer({
    errorCode: errorCodes.SASL_AUTHENTICATION_FAILED,
    errorMessage: "Authentication failed: Invalid username or password",
    authBytes: noBytes,
  });
  return "close";
};
