/** Makes the guard (guard.ts) of the names that it is to know: the sets are built once, and each entry asks all of them. */
import type { Guard, GuardHold, GuardOptions } from './guard.ts';
import { NameFilter, NameFound } from './name-filter.ts';
import { createNameTree, type NameTree } from './name-tree.ts';
import { PATH_HOSTS, isPathHost } from './path-hosts.ts';
import { isPublicSuffix, publicSuffixHold } from './public-suffix.ts';

/** All names are A-labels in lower case without a trailing dot, the root is ".". */
export function createGuard(options: GuardOptions): Guard {
  const approved = new Set(options.approved);
  const protectedNames = createNameTree(options.protectedNames);
  const popular = createNameTree(options.popularNames);
  const sharedHosts = createNameTree(options.sharedHosts);
  const listSources = createNameTree(options.listSourceHosts ?? []);
  const reach = new Set<string>(PATH_HOSTS);
  for (const tree of [protectedNames, popular, sharedHosts, listSources]) {
    for (const name of tree.reach()) reach.add(name);
  }
  const filter = new NameFilter([...reach], protectedNames.names());
  return {
    check(name, scope) {
      const suffixHold = publicSuffixHold(name);
      // Why: nearly every entry of a list is in none of the sets.
      if (suffixHold === undefined && filter.look(name) === NameFound.nothing) return undefined;
      const hold =
        suffixHold ??
        protectedHold(protectedNames, name, scope) ??
        sharedHold(sharedHosts, name, scope) ??
        popularHold(popular, name, scope) ??
        listSourceHold(listSources, name, scope);
      return hold === undefined || approved.has(name) ? undefined : hold;
    },
    isSharedHost: (name) => isPathHost(name) || sharedHosts.has(name) || isPublicSuffix(name),
  };
}

function belongsTo(name: string, above: string): GuardHold {
  return { guard: 'protected', detail: `${name} belongs to the protected name ${above}` };
}

function protectedHold(tree: NameTree, name: string, scope: 'exact' | 'subtree'): GuardHold | undefined {
  if (tree.size === 0) return undefined;
  if (tree.has(name)) return { guard: 'protected', detail: `${name} is a protected name` };
  const above = tree.nearestAbove(name);
  if (above !== undefined) return belongsTo(name, above);
  const below = scope === 'subtree' ? tree.firstBelow(name) : undefined;
  return below === undefined
    ? undefined
    : { guard: 'protected', detail: `it would block the protected name ${below} below it` };
}

function sharedHold(tree: NameTree, name: string, scope: 'exact' | 'subtree'): GuardHold | undefined {
  if (isPathHost(name)) {
    return {
      guard: 'sharedHost',
      detail: `${name} serves many owners, told apart by the path; block pages there, not the host`,
    };
  }
  if (tree.has(name))
    return { guard: 'sharedHost', detail: `${name} is named in sharedHosts; block the names below it` };
  const below = scope === 'subtree' ? tree.firstBelow(name) : undefined;
  return below === undefined
    ? undefined
    : { guard: 'sharedHost', detail: `it would block the shared host ${below} below it` };
}

function popularHold(tree: NameTree, name: string, scope: 'exact' | 'subtree'): GuardHold | undefined {
  if (tree.size === 0) return undefined;
  const rank = tree.rankOf(name);
  if (rank !== undefined) return { guard: 'popular', detail: `${name} is number ${rank} of the popular names` };
  const below = scope === 'subtree' ? tree.firstBelow(name) : undefined;
  return below === undefined
    ? undefined
    : {
        guard: 'popularBelow',
        detail: `it would block ${below} below it, number ${tree.rankOf(below)} of the popular names`,
      };
}

function listSourceHold(tree: NameTree, name: string, scope: 'exact' | 'subtree'): GuardHold | undefined {
  const host = tree.has(name) ? name : scope === 'subtree' ? tree.firstBelow(name) : undefined;
  return host === undefined ? undefined : { guard: 'listSource', detail: `lists are fetched from ${host}` };
}
