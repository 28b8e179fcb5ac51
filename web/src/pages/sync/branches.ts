/** The folders of a tree that were asked for, as rows from top to bottom. */
import type { SyncFile } from '../../api/types';

export interface Branch {
  files: SyncFile[];
  /** Leads to the rest of them. */
  cursor?: string | null;
}

export interface Node {
  /** Where it is; of what stands for the rest of a folder, the path of that with `/` after it. */
  path: string;
  depth: number;
  position: number;
  siblings: number;
  /** What is there; undefined: the rest of a folder, not asked for yet. */
  file?: SyncFile;
  /** The folder it is in. */
  folder: string;
}

/** Rows of the open folders; one that is not asked for yet has none. */
export function rowsOf(branches: ReadonlyMap<string, Branch>, open: ReadonlySet<string>, folder = '', depth = 0): Node[] {
  const branch = branches.get(folder);
  if (!branch) return [];
  const siblings = branch.files.length + (branch.cursor ? 1 : 0);
  const rows: Node[] = [];
  branch.files.forEach((file, i) => {
    rows.push({ path: file.path, depth, position: i + 1, siblings, file, folder });
    if (file.kind === 'folder' && open.has(file.path)) rows.push(...rowsOf(branches, open, file.path, depth + 1));
  });
  if (branch.cursor) rows.push({ path: `${folder}/`, depth, position: siblings, siblings, folder });
  return rows;
}
