/** Preloaded into the process by NODE_OPTIONS=--import: the optional package koffi is missing, as on another system. */
import { Module } from 'node:module';

const load: unknown = Reflect.get(Module, '_load');
if (typeof load !== 'function') throw new Error('this Node loads modules in another way');
Reflect.set(Module, '_load', (request: string, ...rest: unknown[]): unknown => {
  if (request === 'koffi') throw new Error("Cannot find module 'koffi'");
  return Reflect.apply(load, Module, [request, ...rest]);
});
