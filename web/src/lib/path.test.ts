import { describe, expect, it } from 'vitest';
import { crumbs, lastName } from './path';

describe('crumbs', () => {
  it('go from the root to the folder', () => {
    expect(crumbs('/home/anna')).toEqual([
      { name: '/', path: '/' },
      { name: 'home', path: '/home' },
      { name: 'anna', path: '/home/anna' },
    ]);
  });
  it('stop at the root', () => expect(crumbs('/')).toEqual([{ name: '/', path: '/' }]));
  it('know drives', () => expect(crumbs('C:\\Users').map((crumb) => crumb.path)).toEqual(['C:\\', 'C:\\Users']));
});

describe('lastName', () => {
  it('is the folder', () => expect(lastName('/home/anna/Photos/')).toBe('Photos'));
  it('is nothing for the root', () => expect(lastName('/')).toBe(''));
});
