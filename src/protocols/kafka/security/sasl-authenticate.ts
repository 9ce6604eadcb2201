/** SaslAuthenticate: the client's credentials. After a refusal the connection is closed, as in Kafka. */
import type { Handler } from "../core/call.ts";
import { authenticate } from "./sasl.ts";
import { errorCodes } from "../wire/error-codes.ts";

const noBytes = Buffer.alloc(0);
const accepted = { errorCode: errorCodes.NONE, errorMessage: null, authBytes: noBytes };
const refused = {
  errorCode: errorCodes.SASL_AUTHENTICATION_FAILED,
  errorMessage: "Authentication failed: Invalid username or password",
  authBytes: noBytes,
};

export const saslAuthenticate: Handler<"SaslAuthenticate"> = (call, { authBytes }) => {
  authenticate(call.caller, authBytes, (isRight) => {
    call.answer(isRight ? accepted : refused);
    if (!isRight) call.caller.end();
  });
  return "later";
};
