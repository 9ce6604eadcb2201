/** An `Access` over a storage that keeps nothing, with time that tests move themselves. */
import { Access, type AccessOptions, type Credentials } from "../../src/broker/access/access.ts";
import type { Authorization } from "../../src/broker/access/permissions.ts";
import { systemRandom } from "../../src/net/runtime.ts";
import { SimTime } from "../../sim/time.ts";
import { localDisk, Storage } from "../../src/storage/index.ts";

export interface TestAccess {
  readonly access: Access;
  readonly storage: Storage;
  readonly time: SimTime;
}

/** Of a directory, or of one that keeps nothing. */
export async function openStorage(directory?: string): Promise<Storage> {
  return await Storage.open({
    disk: directory === undefined ? null : localDisk,
    directory: directory ?? "memory",
    now: () => 0,
    journalBytesMax: 1 << 20,
    requestFlush: () => {},
    pause: async () => {},
    onDurable: () => {},
    onFatal: () => {},
  });
}

export async function makeAccess(options: Partial<AccessOptions> = {}): Promise<TestAccess> {
  const storage = options.storage ?? (await openStorage());
  const time = new SimTime();
  const access = new Access({ clock: time, timers: time, random: systemRandom, ...options, storage });
  access.restore();
  return { access, storage, time };
}

export function logIn(
  access: Access,
  name: string,
  password: string,
  more: Partial<Credentials> = {},
): Promise<Authorization | null> {
  return new Promise((resolve) =>
    access.logIn({ protocol: "redis", name, password, remoteHost: "127.0.0.1", ...more }, resolve),
  );
}
