/**
 * Ports for servers that tests start, of which some are ended and started again on the same port.
 *
 * A port that the system gave (0) is of the range from which it also takes the near end of every outgoing connection: while
 * the server is down, any client on the machine may have it, even the one that connects to it anew. So ports below that
 * range are taken. Invariant: no two test processes have the same one; a UDP socket on the same number, which the kernel
 * closes with the process, tells the others.
 */
import dgram from "node:dgram";
import fs from "node:fs";
import net from "node:net";

const host = "127.0.0.1";
const firstPort = 20_000;
/** Where Linux begins; those of other systems begin later. */
const firstOutgoingUsual = 32_768;
const triesMax = 1000;

function firstOutgoing(): number {
  try {
    return Number(fs.readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "latin1").split("\t")[0]);
  } catch {
    return firstOutgoingUsual;
  }
}

/** Never closed: a reservation ends with the process. */
function reserve(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = dgram.createSocket("udp4");
    socket.once("error", () => {
      socket.close();
      resolve(false);
    });
    socket.bind({ port, address: host, exclusive: true }, () => {
      socket.unref();
      resolve(true);
    });
  });
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = net.createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, () => probe.close(() => resolve(true)));
  });
}

function anyPort(): Promise<number> {
  const probe = net.createServer();
  return new Promise((resolve) => {
    probe.listen(0, host, () => {
      const { port } = probe.address() as net.AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}

/** A port that stays this process's own. */
export async function ownPort(): Promise<number> {
  const end = firstOutgoing();
  // Where somebody has set the range to begin that low, the system's choice is as good.
  if (end - firstPort < triesMax) return anyPort();
  for (let tries = 0; tries < triesMax; tries++) {
    const port = firstPort + Math.floor(Math.random() * (end - firstPort));
    if ((await reserve(port)) && (await canListen(port))) return port;
  }
  throw new Error(`no port from ${firstPort} to ${end} is free`);
}
