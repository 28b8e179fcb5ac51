/** Folders of the computer of the daemon, for choosing one. */
import { get } from '../../api/client';

// until the description has it
export interface Facts {
  exists: boolean;
  writable: boolean;
  free: number | null;
  total: number | null;
  removable: boolean;
  network: boolean;
  folds_case: boolean;
  empty: boolean;
  files: number;
}

// until the description has it
export interface Folders {
  path: string;
  shown: string;
  parent: string | null;
  folders: { name: string; path: string }[];
  /** There are more than are told. */
  more: boolean;
  places: { name: string; path: string; kind: string }[];
  facts: Facts;
}

export const folders = (path?: string, signal?: AbortSignal): Promise<Folders> => get<Folders>('/folders', { path }, signal);
