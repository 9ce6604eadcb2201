import { type BindingArguments, DestinationBag, type HeaderLookup, type Router } from "./router.ts";

interface Node<Destination> {
  words: Map<string, Node<Destination>>;
  bag: DestinationBag<Destination>;
}

function makeNode<Destination>(): Node<Destination> {
  return { words: new Map(), bag: new DestinationBag() };
}

/**
 * Patterns of words separated by dots: `*` is exactly one word, `#` any number of them, none included.
 * A trie over the patterns' words, so a key costs its own words and the wildcards on the way, however many bindings.
 */
export class TopicRouter<Destination> implements Router<Destination> {
  readonly usesHeaders = false;
  readonly #root: Node<Destination> = makeNode();

  bind(destination: Destination, key: string, _args: BindingArguments): void {
    let node = this.#root;
    for (const word of key.split(".")) {
      let next = node.words.get(word);
      if (next === undefined) node.words.set(word, (next = makeNode()));
      node = next;
    }
    node.bag.add(destination);
  }

  unbind(destination: Destination, key: string, _args: BindingArguments): void {
    const words = key.split(".");
    const path = [this.#root];
    for (const word of words) {
      const next = path[path.length - 1]!.words.get(word);
      if (next === undefined) return;
      path.push(next);
    }
    path[path.length - 1]!.bag.remove(destination);
    for (let i = words.length; i > 0; i--) {
      const node = path[i]!;
      if (!node.bag.isEmpty || node.words.size > 0) return;
      path[i - 1]!.words.delete(words[i - 1]!);
    }
  }

  route(key: string, _headers: HeaderLookup, into: Set<Destination>): void {
    visit(this.#root, key.split("."), 0, into);
  }
}

function visit<Destination>(
  node: Node<Destination>,
  words: string[],
  at: number,
  into: Set<Destination>,
): void {
  const many = node.words.get("#");
  if (many !== undefined) {
    for (let rest = at; rest <= words.length; rest++) visit(many, words, rest, into);
  }
  if (at === words.length) {
    node.bag.addTo(into);
    return;
  }
  const word = words[at]!;
  const exact = node.words.get(word);
  // A key may hold the wildcards' own characters as words; they are covered by the wildcard branches.
  if (exact !== undefined && word !== "#" && word !== "*") visit(exact, words, at + 1, into);
  const one = node.words.get("*");
  if (one !== undefined) visit(one, words, at + 1, into);
}
