/** The actions that a blocking rule can take; the index in this table is what the rules store. */
export const ACTIONS = ['sinkhole', 'nxdomain', 'nodata', 'refused', 'drop'] as const;

export type ActionName = (typeof ACTIONS)[number];
