/**
 * Preloaded into the process by NODE_OPTIONS=--import: koffi says that the length of a message lies a word before where it
 * does, as it would for a system whose structs are laid out in another way.
 */
import { Module } from 'node:module';
import type Koffi from 'koffi';

const WORD_BYTES = 8;

const load: unknown = Reflect.get(Module, '_load');
if (typeof load !== 'function') throw new Error('this Node loads modules in another way');
Reflect.set(Module, '_load', (request: string, ...rest: unknown[]): unknown => {
  const loaded: unknown = Reflect.apply(load, Module, [request, ...rest]);
  if (request !== 'koffi') return loaded;
  const koffi = loaded as typeof Koffi;
  const offsetof: typeof koffi.offsetof = (type, member) =>
    koffi.offsetof(type, member) + (member === 'msg_len' ? -WORD_BYTES : 0);
  return { ...koffi, offsetof };
});
