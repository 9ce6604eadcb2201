/**
 * Patterns of words separated by dots: `*` is exactly one word, `#` any number of them, none included. The empty key, and
 * the empty pattern, have no word, as in RabbitMQ: `*` does not match it.
 *
 * A trie over the patterns' words, walked as an automaton: the nodes at which the words read so far can have led are kept
 * as a set, so however the words may be shared out between several `#`, a node is visited once for each word.
 * Nodes that no `#` stands before are visited once for a key at most, since all their words have one place; the others
 * again with each word, so their number is bounded (`topicWordsBehindHashMax`).
 * Not here: what a destination is. Invariant: routing a key costs at most `nodes + words x nodes behind #` visits, and no
 * node is visited that some beginning of the key does not lead to.
 */
import { BrokerError } from "../../../base/errors.ts";
import { limits } from "../../../base/limits.ts";
import { type BindingArguments, DestinationBag, type MessageFacts, type Router } from "./router.ts";

class Node<Destination> {
  readonly words = new Map<string, Node<Destination>>();
  /** Behind `*`. */
  one: Node<Destination> | null = null;
  /** Behind `#`: reached without a word, and again with each word that follows. */
  many: Node<Destination> | null = null;
  readonly isMany: boolean;
  /** A `#` stands somewhere before it. */
  readonly isBehindMany: boolean;
  readonly bag = new DestinationBag<Destination>();
  /** The last set of nodes that it was put into. */
  visit = 0;

  constructor(isMany: boolean, isBehindMany: boolean) {
    this.isMany = isMany;
    this.isBehindMany = isBehindMany;
  }

  get isUnused(): boolean {
    return this.bag.isEmpty && this.words.size === 0 && this.one === null && this.many === null;
  }

  child(word: string): Node<Destination> | null {
    if (word === "*") return this.one;
    if (word === "#") return this.many;
    return this.words.get(word) ?? null;
  }

  setChild(word: string, node: Node<Destination> | null): void {
    if (word === "*") this.one = node;
    else if (word === "#") this.many = node;
    else if (node === null) this.words.delete(word);
    else this.words.set(word, node);
  }
}

export class TopicRouter<Destination> implements Router<Destination> {
  readonly isPerMessage = false;
  readonly #root = new Node<Destination>(false, false);
  #nodesBehindMany = 0;
  /** Grows with each set of nodes, and with each node in one. */
  #visit = 0;
  #now: Node<Destination>[] = [];
  #next: Node<Destination>[] = [];
  /** Nodes that were visited so far: what routing costs, in counts. */
  visits = 0;

  assertRoomFor(key: string): void {
    const words = canonicalWords(key);
    const first = words.indexOf("#");
    if (first < 0 || this.#nodesBehindMany + words.length - first - 1 <= limits.topicWordsBehindHashMax)
      return;
    throw new BrokerError(
      "PRECONDITION_FAILED",
      `the bindings of a topic exchange may have ${limits.topicWordsBehindHashMax} words behind a '#' in all, and this one ` +
        "would pass that; put the '#' last, or bind to another exchange",
    );
  }

  bind(destination: Destination, key: string, _args: BindingArguments): void {
    let node = this.#root;
    for (const word of canonicalWords(key)) {
      let next = node.child(word);
      if (next === null) {
        next = new Node(word === "#", node.isMany || node.isBehindMany);
        if (next.isBehindMany) this.#nodesBehindMany++;
        node.setChild(word, next);
      }
      node = next;
    }
    node.bag.add(destination);
  }

  unbind(destination: Destination, key: string, _args: BindingArguments): void {
    const words = canonicalWords(key);
    const path = [this.#root];
    for (const word of words) {
      const next = path[path.length - 1]!.child(word);
      if (next === null) return;
      path.push(next);
    }
    path[path.length - 1]!.bag.remove(destination);
    for (let i = words.length; i > 0 && path[i]!.isUnused; i--) {
      path[i - 1]!.setChild(words[i - 1]!, null);
      if (path[i]!.isBehindMany) this.#nodesBehindMany--;
    }
  }

  /** Throws INVALID for a key that is longer than AMQP's: its words are what routing costs. */
  route(key: string, _message: MessageFacts, into: Set<Destination>): void {
    if (key.length > limits.nameBytesMax) {
      throw new BrokerError(
        "INVALID",
        `routing key of ${key.length} bytes; a topic exchange takes at most ${limits.nameBytesMax}`,
      );
    }
    this.#visit++;
    this.#enter(this.#root);
    const words = wordsOf(key);
    for (let i = 0; i < words.length && this.#next.length > 0; i++) this.#read(words[i]!);
    const reached = this.#next;
    for (let i = 0; i < reached.length; i++) reached[i]!.bag.addTo(into);
    reached.length = 0;
  }

  /** From the nodes before the word to those behind it. A key's own `*` and `#` are words that no pattern names. */
  #read(word: string): void {
    const now = this.#next;
    this.#next = this.#now;
    this.#now = now;
    this.#visit++;
    for (let i = 0; i < now.length; i++) {
      const node = now[i]!;
      if (node.isMany) this.#enter(node);
      if (node.one !== null) this.#enter(node.one);
      const exact = node.words.get(word);
      if (exact !== undefined) this.#enter(exact);
    }
    now.length = 0;
  }

  #enter(node: Node<Destination>): void {
    if (node.visit === this.#visit) return;
    node.visit = this.#visit;
    this.visits++;
    this.#next.push(node);
    if (node.many !== null) this.#enter(node.many);
  }
}

function wordsOf(key: string): string[] {
  return key === "" ? [] : key.split(".");
}

/** The words of a pattern; what stands between two other words as `*` and `#` in any order is the `*` first, then one `#`. */
function canonicalWords(key: string): string[] {
  const words: string[] = [];
  let isMany = false;
  for (const word of wordsOf(key)) {
    if (word === "#") isMany = true;
    else {
      if (isMany && word !== "*") {
        words.push("#");
        isMany = false;
      }
      words.push(word);
    }
  }
  if (isMany) words.push("#");
  return words;
}
