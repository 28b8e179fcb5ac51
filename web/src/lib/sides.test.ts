import { expect, it } from 'vitest';
import { sideNames } from './sides';

it('names folders by their last part', () => {
  expect(sideNames('/home/anna/Photos', '/media/stick/Bilder')).toEqual({ left: 'Photos', right: 'Bilder' });
});
it('adds what tells them apart', () => {
  expect(sideNames('/home/anna/Photos', '/media/stick/Photos')).toEqual({ left: 'anna/Photos', right: 'stick/Photos' });
  expect(sideNames('/Photos', '/stick/Photos')).toEqual({ left: 'Photos', right: 'stick/Photos' });
});
it('gives the same for the same', () => expect(sideNames('/a', '/a')).toEqual({ left: '/a', right: '/a' }));
