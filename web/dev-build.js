// Builds the page to where a debug build of the program reads it: a reload then shows the change.
import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const build = join(import.meta.dirname, '../target/debug/build');
const outs = readdirSync(build)
  .filter((name) => name.startsWith('syncmgr-server-'))
  .map((name) => join(build, name, 'out'))
  .filter((out) => statSync(join(out, 'dist'), { throwIfNoEntry: false }));
if (outs.length === 0) throw new Error('build the program first: cargo build');
for (const out of outs) {
  const env = { ...process.env, SYNCMGR_WEB_OUT: join(out, 'dist') };
  const { status } = spawnSync('npx', ['vite', 'build', '--logLevel', 'warn'], { stdio: 'inherit', env });
  if (status !== 0) process.exit(status ?? 1);
}
