/** A daemon with a sync in every status there is; each is called as the status it shows. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Center } from './center';

const N_FILES = 60;
const N_GONE = 55;
/** Slow enough to be seen at work by every test. */
const SLOW_BYTES = 3_000_000;
/** The tools that commands of the tests need; there are no others. */
const TOOLS = ['sh', 'sleep', 'cat'];

export async function startStatuses(): Promise<Center> {
  const dir = mkdtempSync(join(tmpdir(), 'syncmgr-states-'));
  const bin = join(dir, 'bin');
  mkdirSync(bin);
  for (const tool of TOOLS) symlinkSync(join('/bin', tool), join(bin, tool));
  const text = ['[daemon]\nlisten = 0\n'];
  const pair = (name: string, more = '') => {
    for (const side of ['l', 'r']) mkdirSync(join(dir, name, side), { recursive: true });
    text.push(`[sync.${name}]\nid = "${name}"\nleft = "${dir}/${name}/l"\nright = "${dir}/${name}/r"\n${more}\n`);
  };
  const command = (name: string, line: string, more = '') => text.push(`[sync.${name}]\nid = "${name}"\nhandler = "command"\ncommand = ["sh", "-c", "${line}"]\n${more}\n`);
  pair('held');
  pair('conflicts');
  pair('syncing', 'bandwidth = "20k"');
  command('off', 'true', 'enabled = false');
  command('paused', 'true');
  command('checking', 'sleep 600', `folders = ["${dir}/held"]`);
  command('waiting', 'true', `folders = ["${dir}/held"]`);
  command('failed', 'exit 3');
  command('overdue', 'true', 'max-age = "1s"');
  command('offline', 'exit 4', 'exits = ["4=disconnected"]');
  command('never', 'true');
  command('warnings', 'exit 24', 'exits = ["24=warning"]');
  command('ok', 'true');
  text.push('[sync.unknown]\nid = "unknown"\nhandler = "nowhere"\n');

  for (let n = 0; n < N_FILES; n += 1) writeFileSync(join(dir, 'held/l', `${n}.txt`), `${n}\n`);
  writeFileSync(join(dir, 'syncing/l/film'), Buffer.alloc(SLOW_BYTES));
  writeFileSync(join(dir, 'conflicts/l/note.txt'), 'as it was\n');
  const center = await Center.start(dir, text.join('\n'), { PATH: bin });
  for (const name of ['held', 'conflicts', 'failed', 'overdue', 'offline', 'warnings', 'ok']) await center.run('sync', name);
  for (let n = 0; n < N_GONE; n += 1) rmSync(join(dir, 'held/r', `${n}.txt`));
  writeFileSync(join(dir, 'conflicts/l/note.txt'), 'one of them\n');
  writeFileSync(join(dir, 'conflicts/r/note.txt'), 'the other one\n');
  for (const name of ['held', 'conflicts']) await center.run('sync', name);
  await center.run('pause', 'paused');
  for (const name of ['syncing', 'checking', 'waiting']) await center.run('sync', name, '--no-wait');
  return center;
}

/** Ends what is still at work, the daemon and its folder. */
export async function endStatuses(center: Center): Promise<void> {
  await center.run('stop', '--all', '--now');
  await center.stop();
  rmSync(center.dir, { recursive: true, force: true });
}
