/**
 * Which upstream gets a query: at random among those about as fast as the fastest, so that equals share the load and a
 * slow one gets none. Down and already tried ones come last. Slow and down upstreams are looked at again by sending
 * real queries to them beside the chosen one (probe), which costs a query but never makes a client wait.
 */
import type { UpstreamState } from './upstream-state.ts';

/** An upstream is about as fast as the fastest up to this multiple plus this much. */
const BAND_FACTOR = 1.5;
const BAND_MS = 2;

/**
 * The index of the upstream to ask, or -1 when every one of them is in `triedMask`.
 * Cost: two passes over the upstreams, none when there is one. `word` is a random number.
 */
export function chooseUpstream(states: readonly UpstreamState[], triedMask: number, word: number): number {
  if (states.length === 1) return triedMask & 1 ? -1 : 0;
  const up = chooseWithin(states, triedMask, word, false);
  return up === -1 ? chooseWithin(states, triedMask, word, true) : up;
}

function chooseWithin(states: readonly UpstreamState[], triedMask: number, word: number, isDown: boolean): number {
  let bestScore = Number.POSITIVE_INFINITY;
  for (let index = 0; index < states.length; index++) {
    const state = states[index]!;
    if (state.isDown === isDown && !(triedMask & (1 << index)) && state.score < bestScore) bestScore = state.score;
  }
  const scoreMax = bestScore * BAND_FACTOR + BAND_MS;
  let chosen = -1;
  let candidates = 0;
  let random = word;
  for (let index = 0; index < states.length; index++) {
    const state = states[index]!;
    if (state.isDown !== isDown || triedMask & (1 << index) || state.score > scoreMax) continue;
    candidates++;
    // Why: each candidate replaces the last with chance 1/candidates, which is a fair draw in one pass.
    if (chosen === -1 || random % candidates === 0) chosen = index;
    random = Math.imul(random, 0x9e37_79b1) >>> 0;
    random = (random ^ (random >>> 15)) >>> 0;
  }
  return chosen;
}

/** The index of an upstream outside `askedMask` that choose would not pick and that is due for a look, or -1. */
export function chooseProbe(states: readonly UpstreamState[], askedMask: number, nowMs: number): number {
  if (states.length === 1) return -1;
  let bestScore = Number.POSITIVE_INFINITY;
  for (const state of states) if (!state.isDown && state.score < bestScore) bestScore = state.score;
  const scoreMax = bestScore * BAND_FACTOR + BAND_MS;
  for (let index = 0; index < states.length; index++) {
    const state = states[index]!;
    if (askedMask & (1 << index)) continue;
    if ((state.isDown || state.score > scoreMax) && state.takeProbe(nowMs)) return index;
  }
  return -1;
}

/** Upstreams that said SERVFAIL or REFUSED (bits of `badMask`) where another knew the answer are asked less. */
export function blame(states: readonly UpstreamState[], badMask: number): void {
  for (const [index, state] of states.entries()) if (badMask & (1 << index)) state.blamed();
}
