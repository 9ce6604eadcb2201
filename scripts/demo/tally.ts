/** What one side received: distinct messages by id, how many came again, and the digest that all sides must share. */
import crypto from "node:crypto";

export class Tally {
  readonly name: string;
  readonly #bodies = new Map<string, string>();
  received = 0;

  constructor(name: string) {
    this.name = name;
  }

  add(body: string): void {
    this.received++;
    const { id } = JSON.parse(body) as { id: string };
    this.#bodies.set(id, body);
  }

  get distinct(): number {
    return this.#bodies.size;
  }

  get duplicated(): number {
    return this.received - this.#bodies.size;
  }

  /** How many of the confirmed ids never came. */
  lostOf(confirmed: ReadonlySet<string>): number {
    let lost = 0;
    for (const id of confirmed) if (!this.#bodies.has(id)) lost++;
    return lost;
  }

  /** SHA-256 over the sorted distinct bodies, each followed by a line feed. */
  get digest(): string {
    const hash = crypto.createHash("sha256");
    for (const body of [...this.#bodies.values()].toSorted()) hash.update(body).update("\n");
    return hash.digest("hex");
  }
}
