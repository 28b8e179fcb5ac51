/** Decisions on their way: what they would do, that they are carried out, and back again. */
import { ask, get, post, Refused } from '../../api/client';
import type { ItemPreview, ItemView, ListedConflict, Notice, PageItemPreview, Problem, Report, Resolve, ResolveAnswer, ResolveMatching, RunsAccepted, RunState } from '../../api/types';
import { stream } from '../../live/stream.svelte';
import { toasts } from '../../lib/toasts.svelte';
import { decisionOf, type Choice } from './choices';
import type { Draft } from './merge';

const AGAIN_AFTER_MS = 300;
const PREVIEW_WITHIN_MS = 120_000;

export interface Planned {
  answer: ResolveAnswer;
  previews: ItemPreview[];
  /** Syncs in which nothing at all can be decided so, and why. */
  refused: { item: string; problem: Problem }[];
}

/** One choice for all: those that are named, or all that fit a filter. */
export function request(conflicts: ListedConflict[], choice: Choice, where?: string): Resolve {
  if (where !== undefined) return { matching: { filter: where, decision: decisionOf(conflicts[0]!, choice) } };
  return { decisions: conflicts.map((one) => ({ conflict: one.address, seen: one.seen, decision: decisionOf(one, choice) })) };
}

/** Asks what decisions would do. */
export async function plan(resolve: Resolve, signal: AbortSignal): Promise<Planned> {
  const { data: answer } = await ask<ResolveAnswer>('POST', '/conflicts/resolve', { body: { ...resolve, preview: true }, signal });
  const previews: ItemPreview[] = [];
  const refused: Planned['refused'] = [];
  for (const [i, { run }] of answer.runs.entries()) {
    try {
      previews.push(...(await previewOf(run, signal)));
    } catch (error) {
      if (!(error instanceof Refused) || error.isAway) throw error;
      refused.push({ item: answer.syncs[i]?.split('/').at(-1) ?? '', problem: error.problem });
    }
  }
  return { answer, previews, refused };
}

async function previewOf(run: string, signal: AbortSignal): Promise<ItemPreview[]> {
  const until = Date.now() + PREVIEW_WITHIN_MS;
  for (;;) {
    try {
      return (await get<PageItemPreview>(`/sessions/${run}/preview`, {}, signal)).items;
    } catch (error) {
      const isMade = error instanceof Refused && error.problem.code === 'still-running' && Date.now() < until;
      if (!isMade) throw error;
      await later(AGAIN_AFTER_MS);
      signal.throwIfAborted();
    }
  }
}

const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export async function carryOut(resolve: Resolve, seen?: string): Promise<ResolveAnswer> {
  const matching: ResolveMatching | undefined = resolve.matching ? { ...resolve.matching, seen } : undefined;
  return post<ResolveAnswer>('/conflicts/resolve', { ...resolve, matching, preview: false });
}

/** Runs a sync, and ends with it. */
export async function runOnce(item: string): Promise<void> {
  const { runs } = await post<RunsAccepted>('/sessions', { items: [item], mode: 'sync' });
  await Promise.all(runs.map(({ run }) => endOf(run)));
}

/** The rule that stands for a choice in the settings of a sync of two folders. */
const RULES: Partial<Record<Choice, string>> = { v0: 'left', v1: 'right', newest: 'newest', both: 'both' };
const RULED_HANDLER = 'files';
const EQUAL_CHOICES = 3;

export interface Offer {
  item: ItemView;
  etag: string | null;
  choice: Choice;
  rule: string;
}

/** The last decisions, and the way back. One for the list and the comparison. */
class Done {
  n = $state(0);
  state = $state<'none' | 'working' | 'done' | 'undoing' | 'undone'>('none');
  /** Why some were not carried out. */
  notices = $state.raw<Notice[]>([]);
  /** Why whole runs did not come about. */
  problems = $state.raw<Problem[]>([]);
  runs = $state.raw<string[]>([]);
  offer = $state.raw<Offer>();
  #streak: { key: string; n: number } = { key: '', n: 0 };
  #turn = 0;

  /** Follows what was begun; the promise ends with the runs, and says whether all went well. */
  async follow(answer: ResolveAnswer, resolve: Resolve, conflicts: ListedConflict[], choice: Choice): Promise<boolean> {
    const turn = (this.#turn += 1);
    const failed = answer.outcomes.filter((one) => one.outcome === 'failed');
    this.n = answer.outcomes.filter((one) => one.outcome === 'done').length;
    this.runs = answer.runs.map((run) => run.run);
    this.notices = distinct(failed.flatMap((one) => one.notice ?? []));
    this.problems = [];
    this.state = 'working';
    const ends = await Promise.all(this.runs.map(endOf));
    const lost = new Set(this.runs.filter((_, i) => ends[i] === 'lost'));
    const problems = lost.size ? await whyNot(resolve) : [];
    const notices = ends.flatMap((end) => (end === 'lost' ? [] : end));
    if (turn === this.#turn) {
      this.notices = distinct([...this.notices, ...notices]);
      this.problems = problems;
      this.runs = this.runs.filter((run) => !lost.has(run));
      this.state = 'done';
    }
    const isWell = failed.length === 0 && notices.length === 0 && lost.size === 0;
    if (isWell) void this.#count(conflicts, choice);
    return isWell;
  }

  async undo(): Promise<void> {
    const runs = this.runs;
    this.state = 'undoing';
    const isUndone = await toasts.try(async () => {
      for (const run of runs.toReversed()) await post(`/sessions/${run}/undo`);
    });
    this.state = isUndone ? 'undone' : 'done';
    this.#streak.n = 0;
    this.offer = undefined;
  }

  close(): void {
    this.state = 'none';
    this.offer = undefined;
  }

  /** After some equal choices in one sync a rule can be offered. */
  async #count(conflicts: ListedConflict[], choice: Choice): Promise<void> {
    this.offer = undefined;
    const [first] = conflicts;
    const item = first?.item;
    const rule = RULES[choice];
    if (!item || !rule || first.handler !== RULED_HANDLER || conflicts.some((one) => one.item !== item)) {
      this.#streak.n = 0;
      return;
    }
    const key = `${item} ${choice}`;
    this.#streak = { key, n: this.#streak.key === key ? this.#streak.n + 1 : 1 };
    if (this.#streak.n < EQUAL_CHOICES) return;
    try {
      const { data, etag } = await ask<ItemView>('GET', `/items/${item}`);
      const now = data.settings.rule;
      if (now === undefined || now === 'ask') this.offer = { item: data, etag, choice, rule };
    } catch {
      // An offer is no promise.
    }
  }

  async accept(told: string): Promise<void> {
    const offer = this.offer;
    if (!offer) return;
    const path = `/items/${offer.item.id}`;
    this.offer = undefined;
    const isSaved = await toasts.try(() => ask('PATCH', path, { body: { settings: { rule: offer.rule } }, ifMatch: offer.etag ?? undefined }));
    if (isSaved) toasts.tell(told, () => void toasts.try(() => ask('PATCH', path, { body: { settings: { rule: null } } })));
  }
}

export const done = new Done();

/** A merge in work, and what its sides were then. */
export interface Kept {
  key: string;
  draft: Draft;
}

/** What was typed into merges, and chosen of fields, until it is carried out: it outlives every change of the page. */
export const drafts = new Map<string, Kept>();
export const fieldChoices = new Map<string, Record<string, 'left' | 'right'>>();

/** Waits for a run; says what stood in its way. One that was refused when it began is lost: history has no word of it. */
async function endOf(run: string): Promise<Notice[] | 'lost'> {
  let isEnded = false;
  let nMissing = 0;
  const off = stream.on('session_ended', (message) => {
    if (message.run === run) isEnded = true;
  });
  try {
    for (let n = 0; ; n += 1) {
      const state = await stateOf(run);
      if (!state) {
        nMissing += 1;
        if (nMissing > 1) return 'lost';
      } else if (state.record?.status && !state.open) {
        if (state.record.status === 'succeeded' && state.record.summary.failures === 0) return [];
        return (await get<Report>(`/sessions/${run}/report`)).notices;
      }
      for (let waited = 0; waited < Math.min(250 * (n + 1), 3000) && !isEnded; waited += 50) await later(50);
      isEnded = false;
    }
  } catch (error) {
    if (error instanceof Refused) return [];
    throw error;
  } finally {
    off();
  }
}

async function stateOf(run: string): Promise<RunState | undefined> {
  try {
    return await get<RunState>(`/sessions/${run}`);
  } catch (error) {
    if (error instanceof Refused && error.problem.status === 404) return undefined;
    throw error;
  }
}

/** Asks anew what the decisions would do: that is refused for the same reason. */
async function whyNot(resolve: Resolve): Promise<Problem[]> {
  try {
    const { refused } = await plan(resolve, new AbortController().signal);
    return refused.map((one) => one.problem);
  } catch (error) {
    if (error instanceof Refused) return [error.problem];
    throw error;
  }
}

function distinct(notices: Notice[]): Notice[] {
  return [...new Map(notices.map((notice) => [`${notice.code} ${notice.what}`, notice])).values()];
}
