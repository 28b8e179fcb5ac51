// Builds the page to where a debug build of the program reads it: a reload then shows the change.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const build = join(import.meta.dirname, '../target/debug/build');
const outs = readdirSync(build)
  .filter((name) => name.startsWith('syncmgr-server-'))
  .map((name) => join(build, name, 'out/dist'))
  .filter((dist) => statSync(dist, { throwIfNoEntry: false }));
if (outs.length === 0) throw new Error('build the program first: cargo build');
const made = mkdtempSync(join(tmpdir(), 'syncmgr-web-'));
const env = { ...process.env, SYNCMGR_WEB_OUT: made };
const { status } = spawnSync('npx', ['vite', 'build', '--logLevel', 'warn'], { stdio: 'inherit', env });
// Old files stay: a page that is open somewhere may still ask for them.
if (status === 0) for (const out of outs) cpSync(made, out, { recursive: true });
rmSync(made, { recursive: true });
process.exit(status ?? 1);
