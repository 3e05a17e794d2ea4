/**
 * A set of names that also knows their ancestors: is this one of them, does one of them lie above it, which is the first
 * of them below it. Two hash maps; a lookup is one or a few probes, whatever the size.
 */

export class NameTree {
  /** Name to its place, from 1. */
  readonly #ranks = new Map<string, number>();
  /** Ancestor to the first name below it. */
  readonly #firstBelow = new Map<string, string>();

  #hasTopLevel = false;

  add(name: string): void {
    if (this.#ranks.has(name)) return;
    if (!name.includes('.')) this.#hasTopLevel = true;
    this.#ranks.set(name, this.#ranks.size + 1);
    for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
      const ancestor = name.slice(dot + 1);
      if (this.#firstBelow.has(ancestor)) return;
      this.#firstBelow.set(ancestor, name);
    }
  }

  get size(): number {
    return this.#ranks.size;
  }

  has(name: string): boolean {
    return this.#ranks.has(name);
  }

  rankOf(name: string): number | undefined {
    return this.#ranks.get(name);
  }

  /** The nearest name of the set that is an ancestor of `name`. */
  nearestAbove(name: string): string | undefined {
    for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
      const isTopLevel = !this.#hasTopLevel && name.indexOf('.', dot + 1) < 0;
      if (isTopLevel) return undefined;
      const ancestor = name.slice(dot + 1);
      if (this.#ranks.has(ancestor)) return ancestor;
    }
    return undefined;
  }

  names(): string[] {
    return [...this.#ranks.keys()];
  }

  /** Every name and every ancestor of one. */
  *reach(): Generator<string> {
    yield* this.#ranks.keys();
    yield* this.#firstBelow.keys();
  }

  firstBelow(name: string): string | undefined {
    return this.#firstBelow.get(name);
  }
}

export function createNameTree(names: Iterable<string>): NameTree {
  const tree = new NameTree();
  for (const name of names) tree.add(name);
  return tree;
}
