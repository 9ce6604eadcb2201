/**
 * What redis 7.0 does with clients that wait for keys, as simple as it can be said: for tests that compare with it. The commands are
 * those of pop-commands.ts and some that change keys; a request is its words.
 *
 * A change makes a key ready if a string is there that was not, or not under this name. When a command or MULTI is over, the ready keys
 * are looked at in order, and of each those who wait, the longest first, while there is something. The requests behind a command that
 * has waited run when the turn ends, those of who was answered first first.
 */
/** The same requests of a client that never waits, but gives others something. */
export function pushing(requests: readonly string[][]): string[][] {
  return requests.map((request) => (request[0]!.startsWith("BT") ? ["APPEND", request[1]!, "xy"] : request));
}

type Value = { readonly type: "string" | "hash"; readonly text: string };

interface Waiting {
  readonly client: ModelClient;
  readonly request: readonly string[];
  readonly places: readonly string[];
  readonly endsAt: number;
  readonly arrival: number;
}

export class ModelClient {
  database = 0;
  transaction: string[][] | null = null;
  waiting: Waiting | null = null;
  isResuming = false;
  readonly requests: string[][] = [];
  said = "";
}

const none = "*-1\r\n";
const wrongType = "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";
const bulk = (text: string): string => `$${text.length}\r\n${text}\r\n`;

export class BlockingModel {
  readonly databases: Map<string, Value>[] = [new Map(), new Map()];
  /** Who waits for each place, in order. A place is gone with the last one. */
  readonly places = new Map<string, Waiting[]>();
  now = 0;
  /** Clients that got what they had waited for. */
  served = 0;
  #ready: string[] = [];
  #resuming: ModelClient[] = [];
  #arrivals = 0;

  get waitingClients(): number {
    return new Set([...this.places.values()].flat()).size;
  }

  send(client: ModelClient, requests: readonly string[][]): void {
    client.requests.push(...requests);
    if (!client.isResuming) this.#run(client);
  }

  /** The turn ends, and those that follow. */
  settle(): void {
    for (let client = this.#resuming.shift(); client !== undefined; client = this.#resuming.shift()) {
      client.isResuming = false;
      this.#run(client);
    }
  }

  pass(ms: number): void {
    this.now += ms;
    const over = [...new Set([...this.places.values()].flat())].filter(({ endsAt }) => endsAt <= this.now);
    over.sort((a, b) => a.endsAt - b.endsAt || a.arrival - b.arrival);
    for (const { client } of over) this.#answer(client, none);
  }

  gone(client: ModelClient): void {
    this.#stop(client);
    client.requests.length = 0;
    this.#resuming = this.#resuming.filter((each) => each !== client);
  }

  unblock(client: ModelClient, isError: boolean): boolean {
    if (client.waiting === null) return false;
    this.#answer(client, isError ? "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n" : none);
    return true;
  }

  #run(client: ModelClient): void {
    while (client.waiting === null && client.requests.length > 0) {
      const request = client.requests.shift()!;
      client.said += this.#dispatch(client, request);
      this.#serve();
    }
  }

  #dispatch(client: ModelClient, request: string[]): string {
    const [name] = request;
    if (name === "MULTI") {
      client.transaction = [];
      return "+OK\r\n";
    }
    if (client.transaction === null) return this.#command(client, request, true);
    if (name !== "EXEC") {
      client.transaction.push(request);
      return "+QUEUED\r\n";
    }
    const requests = client.transaction;
    client.transaction = null;
    return `*${requests.length}\r\n${requests.map((each) => this.#command(client, each, false)).join("")}`;
  }

  #command(client: ModelClient, request: string[], mayWait: boolean): string {
    const [name, one = "", two = ""] = request;
    const keys = this.databases[client.database]!;
    const value = keys.get(one);
    switch (name) {
      case "APPEND":
        if (value?.type === "hash") return wrongType;
        this.#put(client.database, one, { type: "string", text: (value?.text ?? "") + two });
        return `:${(value?.text ?? "").length + two.length}\r\n`;
      case "SET":
        this.#put(client.database, one, { type: "string", text: two });
        return "+OK\r\n";
      case "HSET":
        if (value?.type === "string") return wrongType;
        keys.set(one, { type: "hash", text: "" });
        return value === undefined ? ":1\r\n" : ":0\r\n";
      case "DEL":
        return keys.delete(one) ? ":1\r\n" : ":0\r\n";
      case "RENAME":
        if (value === undefined) return "-ERR no such key\r\n";
        if (one === two) return "+OK\r\n";
        keys.delete(one);
        this.#put(client.database, two, value);
        return "+OK\r\n";
      case "COPY":
        if (value === undefined || keys.has(two)) return ":0\r\n";
        this.#put(client.database, two, value);
        return ":1\r\n";
      case "MOVE": {
        const target = Number(two);
        if (target === client.database) return "-ERR source and destination objects are the same\r\n";
        if (value === undefined || this.databases[target]!.has(one)) return ":0\r\n";
        keys.delete(one);
        this.#put(target, one, value);
        return ":1\r\n";
      }
      case "SELECT":
        client.database = Number(one);
        return "+OK\r\n";
      case "SWAPDB":
        this.databases.reverse();
        for (const number of [0, 1])
          for (const place of this.places.keys()) if (place.startsWith(`${number} `)) this.#makeReady(place);
        return "+OK\r\n";
      case "TPOP":
        if (value?.type === "hash") return wrongType;
        return this.#pop(client, one) ?? none;
      default:
        return this.#blocking(client, request, mayWait);
    }
  }

  #blocking(client: ModelClient, request: string[], mayWait: boolean): string {
    const keys = request[0] === "BTMOVE" ? [request[1]!] : request.slice(1, -1);
    for (const key of keys) {
      if (this.databases[client.database]!.get(key)?.type === "hash") return wrongType;
      const answer = this.#attempt(client, request, key);
      if (answer !== null) return answer;
    }
    if (!mayWait) return none;
    const timeout = Number(request.at(-1));
    const places = [...new Set(keys)].map((key) => `${client.database} ${key}`);
    const endsAt = timeout === 0 ? Infinity : this.now + timeout;
    client.waiting = { client, request, places, endsAt, arrival: ++this.#arrivals };
    for (const place of places) {
      const line = this.places.get(place);
      if (line === undefined) this.places.set(place, [client.waiting]);
      else line.push(client.waiting);
    }
    return "";
  }

  /** What the command answers for that key; null for nothing. */
  #attempt(client: ModelClient, request: readonly string[], key: string): string | null {
    if (request[0] !== "BTMOVE") return this.#pop(client, key);
    const keys = this.databases[client.database]!;
    const target = request[2]!;
    if (keys.get(key)?.type !== "string") return null;
    if (keys.get(target)?.type === "hash") return wrongType;
    const character = this.#take(client, key);
    this.#put(client.database, target, {
      type: "string",
      text: (keys.get(target)?.text ?? "") + character,
    });
    return bulk(character);
  }

  #pop(client: ModelClient, key: string): string | null {
    if (this.databases[client.database]!.get(key)?.type !== "string") return null;
    return `*2\r\n${bulk(key)}${bulk(this.#take(client, key))}`;
  }

  #take(client: ModelClient, key: string): string {
    const keys = this.databases[client.database]!;
    const { text } = keys.get(key)!;
    if (text.length === 1) keys.delete(key);
    else keys.set(key, { type: "string", text: text.slice(1) });
    return text[0]!;
  }

  #put(database: number, key: string, value: Value): void {
    this.databases[database]!.set(key, value);
    if (value.type === "string") this.#makeReady(`${database} ${key}`);
  }

  #makeReady(place: string): void {
    if (this.places.has(place) && !this.#ready.includes(place)) this.#ready.push(place);
  }

  #serve(): void {
    for (let place = this.#ready.shift(); place !== undefined; place = this.#ready.shift()) {
      const key = place.slice(2);
      for (const { client, request } of this.places.get(place)?.slice() ?? []) {
        const answer = this.#attempt(client, request, key);
        if (answer === null) break;
        this.served++;
        this.#answer(client, answer);
      }
    }
  }

  /** The client no longer waits; what it has sent meanwhile runs when the turn ends. */
  #answer(client: ModelClient, text: string): void {
    client.said += text;
    this.#stop(client);
    client.isResuming = true;
    this.#resuming.push(client);
  }

  #stop(client: ModelClient): void {
    const { waiting } = client;
    client.waiting = null;
    for (const place of waiting?.places ?? []) {
      const line = this.places.get(place)!;
      line.splice(line.indexOf(waiting!), 1);
      if (line.length === 0) this.places.delete(place);
    }
  }
}
