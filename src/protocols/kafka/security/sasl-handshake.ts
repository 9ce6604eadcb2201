/** SaslHandshake: the mechanism that the client wants. */
import type { Handler } from "../core/call.ts";
import { saslMechanisms } from "./sasl.ts";
import { errorCodes } from "../wire/error-codes.ts";

export const saslHandshake: Handler<"SaslHandshake"> = (call, { mechanism }) => {
  if (!saslMechanisms.includes(mechanism)) {
    return { errorCode: errorCodes.UNSUPPORTED_SASL_MECHANISM, mechanisms: saslMechanisms };
  }
  call.caller.expectsToken = call.version === 0;
  return { errorCode: errorCodes.NONE, mechanisms: saslMechanisms };
};
