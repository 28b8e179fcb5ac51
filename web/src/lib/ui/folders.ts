/** Folders of the computer of the daemon, for choosing one. */
import { get } from '../../api/client';
import type { Folders } from '../../api/types';

export const folders = (path?: string, signal?: AbortSignal): Promise<Folders> => get<Folders>('/folders', { path }, signal);
