/** A daemon of its own in a folder, with the settings of a test. */
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';

/** Which program; `cargo xtask page` says it. */
export const SYNCMGR = process.env.SYNCMGR ?? join(import.meta.dirname, '../../target/debug/syncmgr');

/** The environment in which our commands see only a folder. */
export function within(dir: string): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    HOME: dir,
    SYNCMGR_CONFIG_DIR: join(dir, 'config'),
    SYNCMGR_STATE_DIR: join(dir, 'state'),
    SYNCMGR_RUNTIME_DIR: join(dir, 'run'),
  };
  delete env.DBUS_SESSION_BUS_ADDRESS;
  return env;
}

/** Runs a command of ours on a folder; returns its code and all it said. */
export function command(dir: string, words: string[], extra: NodeJS.ProcessEnv = {}): Promise<{ code: number | null; out: string }> {
  const child = spawn(SYNCMGR, words, { env: { ...within(dir), ...extra }, cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (out += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out }));
  });
}

/** Returns an address that signs a browser in, once. */
export async function door(dir: string, page = ''): Promise<string> {
  const { out } = await command(dir, ['open', '--print', ...(page ? [page] : [])]);
  const found = /http:\/\/\S+/.exec(out);
  if (!found) throw new Error(out);
  return found[0];
}

/** A port of its own: after a restart the page finds its daemon again. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/** The process of the daemon in a folder. */
export async function pidOf(dir: string): Promise<number> {
  const { out } = await command(dir, ['daemon', 'status', '--json']);
  const pid = Number(/"pid":\s*(\d+)/.exec(out)?.[1]);
  if (!pid) throw new Error(out);
  return pid;
}

/** Has a handler in Python installed, as a person would at a terminal, before the daemon starts; its settings are folders. */
export function install(dir: string, id: string, program: string, settings: string[] = []): void {
  const place = join(dir, 'handlers', id);
  mkdirSync(join(dir, 'config/handlers'), { recursive: true, mode: 0o700 });
  cpSync(join(import.meta.dirname, '../../sdk/python/syncmgr_handler'), join(place, 'syncmgr_handler'), { recursive: true });
  writeFileSync(join(place, 'handler.py'), program);
  const fields = settings.map((key) => [key, { type: 'string', format: 'folder' }]);
  const form = JSON.stringify({ type: 'object', properties: Object.fromEntries(fields) });
  const text = `version = 1\nid = "${id}"\nname = "${id}"\ncommand = ["/usr/bin/python3", "${place}/handler.py"]\nsandbox = false\nallow = []\nallow-read = []\nmemory = "1GiB"\nprocesses = 64\nlegacy = false\nform = '${form}'\n`;
  writeFileSync(join(dir, 'config/handlers', `${id}.toml`), text, { mode: 0o600 });
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

export class Center {
  private constructor(
    readonly dir: string,
    readonly address: string,
  ) {}

  /** Starts a daemon on an existing folder with the text of `config.toml`; its environment can have more. */
  static async start(dir: string, settings: string, extra: NodeJS.ProcessEnv = {}): Promise<Center> {
    for (const name of ['config', 'state', 'run']) mkdirSync(join(dir, name), { recursive: true, mode: 0o700 });
    writeFileSync(join(dir, 'config/config.toml'), settings);
    const { code, out } = await command(dir, ['daemon', 'start'], extra);
    if (code !== 0) {
      // It may run all the same, with settings it does not take.
      await command(dir, ['daemon', 'stop']);
      throw new Error(out);
    }
    const address = /^http:\/\/[^/]+/.exec(await door(dir))?.[0] ?? '';
    return new Center(dir, address);
  }

  run(...words: string[]): Promise<{ code: number | null; out: string }> {
    return command(this.dir, words);
  }

  door(page = ''): Promise<string> {
    return door(this.dir, page);
  }

  /** Kills the daemon as if the power had gone; ends when it is gone. */
  async kill(): Promise<void> {
    const pid = await pidOf(this.dir);
    process.kill(pid, 'SIGKILL');
    while (isThere(pid)) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  async stop(): Promise<void> {
    await this.run('daemon', 'stop');
  }
}
