import { expect, it } from 'vitest';
import { csv } from './csv';

it('quotes what needs it', () => {
  expect(csv([['a', 'b,c', 'd"e'], ['x\ny', 3, null]])).toBe('a,"b,c","d""e"\r\n"x\ny",3,\r\n');
});

it('lets no name be a formula', () => {
  expect(csv([['=1+1', '@x', '-y', '+z', 'a=b', -5]])).toBe("'=1+1,'@x,'-y,'+z,a=b,-5\r\n");
});
