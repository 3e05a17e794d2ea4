/** Addresses that block lists use for "nowhere", in every format that maps names to addresses. */

const SINK_ADDRESS = /^(?:0\.0\.0\.0|127(?:\.\d{1,3}){3}|::|::1|0:0:0:0:0:0:0:[01]|0|255\.255\.255\.255)$/;

/** Does this address lead nowhere, so that a name sent there is a blocked name? */
export function isSinkAddress(address: string): boolean {
  return SINK_ADDRESS.test(address);
}
