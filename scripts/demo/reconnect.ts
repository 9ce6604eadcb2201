import { setTimeout as sleep } from "node:timers/promises";

const attemptsMax = 400;
const pauseMs = 50;

interface Emitter {
  on(event: "error", listener: (error: Error) => void): unknown;
}

/** Tries until it works, for a broker that is being restarted; later errors of the connection are its user's to see. */
export async function untilConnected<Connected extends Emitter>(
  connect: () => Promise<Connected>,
): Promise<Connected> {
  for (let attempt = 1; ; attempt++) {
    try {
      const connected = await connect();
      connected.on("error", () => {});
      return connected;
    } catch (error) {
      if (attempt === attemptsMax) throw error;
      await sleep(pauseMs);
    }
  }
}
