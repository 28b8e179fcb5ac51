/** What is counted of a run on each side, in the order in which it is told. */
export const KINDS = ['copied', 'updated', 'deleted', 'folders_made', 'folders_removed', 'renamed', 'attributes'] as const;
