/** HTTPS on Node's server; see http-node.ts. A new certificate takes the old one's place without closing the port. */
import { createServer } from "node:https";
import type { CreateServer } from "./http-node.ts";
import type { HttpTls } from "./http.ts";
import { handshakeReason, nodeTlsOptions } from "./node-tls.ts";

export function secureServer({ identity, onHandshakeFailed }: HttpTls): CreateServer {
  return (options, listener) => {
    const server = createServer({ ...options, ...nodeTlsOptions(identity.current) }, listener);
    server.on("tlsClientError", (error, socket) => {
      onHandshakeFailed(socket.remoteAddress ?? "", handshakeReason(error, socket));
      socket.destroy();
    });
    const unwatch = identity.onChange((material) => server.setSecureContext(nodeTlsOptions(material)));
    return { server, unwatch };
  };
}
