/** The bytes of a version: from what was sent along, or from the address that gives files. */
import { address as url } from '../../api/client';
import type { Content } from '../../api/types';

const PICTURES = /\.(png|jpe?g|gif|webp|avif|bmp|ico)$/i;

export const isPicture = (name: string): boolean => PICTURES.test(name);

/** Where the file of a version can be got; with `save` it is not shown but saved. */
export const rawAddress = (conflict: string, version: number, save = false): string =>
  url('/conflict/raw', { address: conflict, version, save: save || undefined });

export function bytesOf(content: Content): Uint8Array<ArrayBuffer> {
  if (content.encoding !== 'hex') return new TextEncoder().encode(content.data);
  const bytes = new Uint8Array(content.data.length / 2);
  for (let i = 0; i < bytes.length; i += 1) bytes[i] = parseInt(content.data.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}
