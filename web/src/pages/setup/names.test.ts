import { describe, expect, it } from 'vitest';
import { suggested } from './names';

describe('suggested names', () => {
  it('come from the folder', () => expect(suggested('files', { left: '/home/anna/Photos' }, [])).toBe('Photos'));
  it('have nothing that names cannot have', () => expect(suggested('files', { left: '/x/My = "best": photos' }, [])).toBe('My-best-photos'));
  it('are not taken twice', () => expect(suggested('files', { left: '/x/Photos' }, ['Photos', 'Photos-2'])).toBe('Photos-3'));
  it('leave out the host', () => expect(suggested('rsync', { source: 'nas:music' }, [])).toBe('music'));
  it('fall back to the handler', () => expect(suggested('command', { command: ['true'] }, [])).toBe('command'));
});
