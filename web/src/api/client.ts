/** Asks the daemon. The one place that calls `fetch`. */
import type { Problem } from './types';
import { locale } from '../lib/i18n/index.svelte';

/** The daemon refused, or could not be reached. Carries the words it said. */
export class Refused extends Error {
  constructor(readonly problem: Problem) {
    super(problem.title);
  }

  /** Nobody answered: the daemon is not running, or the network is gone. */
  get isAway(): boolean {
    return this.problem.status === 0;
  }

  get isSignInNeeded(): boolean {
    return this.problem.status === 401;
  }

  /** Something changed since it was looked at. */
  get isOutdated(): boolean {
    return this.problem.status === 409 || this.problem.status === 412;
  }
}

/** What writes have to show, so that no page of a stranger can write (S3). */
let csrf = '';
const onSignedOut = new Set<() => void>();

export function setCsrf(value: string): void {
  csrf = value;
}

/** Calls back when the daemon no longer knows this browser. */
export function whenSignedOut(callback: () => void): void {
  onSignedOut.add(callback);
}

export type Query = Record<string, string | number | boolean | null | undefined>;

export interface Options {
  query?: Query;
  body?: unknown;
  /** The state that was seen (`If-Match`). */
  ifMatch?: string;
  signal?: AbortSignal;
  /** The address stands beside the API, as `/healthz`. */
  isBeside?: boolean;
}

export interface Answer<T> {
  data: T;
  /** Names the state of what was asked for; sent back by `ifMatch`. */
  etag: string | null;
}

const BASE = '/api/v1';

export function address(path: string, query: Query = {}): string {
  const parts = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== '') parts.set(key, String(value));
  }
  const text = parts.toString();
  return `${BASE}${path}${text ? `?${text}` : ''}`;
}

/** Makes an address part of any text. */
export const part = encodeURIComponent;

export async function ask<T>(method: string, path: string, options: Options = {}): Promise<Answer<T>> {
  const headers: Record<string, string> = { 'Accept-Language': locale.language };
  if (method !== 'GET') {
    headers['X-CSRF-Token'] = csrf;
    if (method === 'POST') headers['Idempotency-Key'] = crypto.randomUUID();
  }
  const isWrite = method === 'POST' || method === 'PUT' || method === 'PATCH';
  if (isWrite) headers['Content-Type'] = 'application/json';
  if (options.ifMatch) headers['If-Match'] = options.ifMatch;
  let response: Response;
  try {
    response = await fetch(options.isBeside ? path : address(path, options.query), {
      method,
      headers,
      body: isWrite ? JSON.stringify(options.body ?? {}) : undefined,
      signal: options.signal,
    });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Refused(away());
  }
  if (response.ok) {
    const text = await response.text();
    const isJson = /\bjson\b/.test(response.headers.get('content-type') ?? '');
    const data = (text === '' ? undefined : isJson ? JSON.parse(text) : text) as T;
    return { data, etag: response.headers.get('etag') };
  }
  const problem = await readProblem(response);
  if (problem.status === 401) for (const callback of onSignedOut) callback();
  throw new Refused(problem);
}

async function readProblem(response: Response): Promise<Problem> {
  try {
    return (await response.json()) as Problem;
  } catch {
    return { ...away(), status: response.status };
  }
}

function away(): Problem {
  return {
    type: 'about:blank',
    title: locale.text.daemon_away,
    status: 0,
    detail: locale.text.daemon_away_meaning,
    instance: '',
    code: 'daemon-away',
    params: {},
    actions: [],
    errors: [],
    request_id: '',
  };
}

export const get = async <T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> =>
  (await ask<T>('GET', path, { query, signal })).data;
export const post = async <T>(path: string, body?: unknown): Promise<T> =>
  (await ask<T>('POST', path, { body })).data;
export const put = async <T>(path: string, body?: unknown, ifMatch?: string): Promise<T> =>
  (await ask<T>('PUT', path, { body, ifMatch })).data;
export const patch = async <T>(path: string, body?: unknown, ifMatch?: string): Promise<T> =>
  (await ask<T>('PATCH', path, { body, ifMatch })).data;
export const del = async (path: string, ifMatch?: string): Promise<void> => {
  await ask<void>('DELETE', path, { ifMatch });
};
