/** SaslAuthenticate: the client's credentials. After a refusal the connection is closed, as in Kafka. */
import type { Handler } from "../core/call.ts";
import { authenticate } from "./sasl.ts";
import { errorCodes } from "../wire/error-codes.ts";

const noBytes = Buffer.alloc(0);
const accepted = { errorCode: errorCodes.NONE, errorMessage: null, authBytes: noBytes };

export const saslAuthenticate: Handler<"SaslAuthenticate"> = (call, { authBytes }) => {
  authenticate(call.caller, authBytes, (fault) => {
    if (fault === null) return call.answer(accepted);
    call.answer({
      errorCode: errorCodes.SASL_AUTHENTICATION_FAILED,
      errorMessage: fault,
      authBytes: noBytes,
    });
    call.caller.end();
  });
  return "later";
};
