/** The types of the API, generated from its description (`npm run types`). */
export type * from './schema';
