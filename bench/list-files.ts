/** One list in the form that each server reads. Written in pieces: ten million names are never one string. */
import { closeSync, openSync, writeSync } from 'node:fs';
import type { ListData } from './list-data.ts';

const PIECE_NAMES = 20_000;
export const SINKHOLE_ADDRESS = '192.0.2.53';
export const SINKHOLE_TTL_SECONDS = 30;

function write(path: string, list: ListData, head: string, line: (name: string) => string): void {
  const file = openSync(path, 'w');
  try {
    writeSync(file, head);
    for (let start = 0; start < list.count; start += PIECE_NAMES) {
      const end = Math.min(list.count, start + PIECE_NAMES);
      let piece = '';
      for (let index = start; index < end; index++) piece += line(list.nameAt(index));
      writeSync(file, piece);
    }
  } finally {
    closeSync(file);
  }
}

export function writePlain(path: string, list: ListData): void {
  write(path, list, '', (name) => `${name}\n`);
}

/** A host below each name. */
export function writeHosts(path: string, list: ListData): void {
  write(path, list, '', (name) => `www.${name}\n`);
}

/** Every name and everything below it, as the other servers' entries mean it. */
export function writeRpz(path: string, list: ListData): void {
  const head = `$TTL ${SINKHOLE_TTL_SECONDS}\n@ SOA localhost. root.localhost. 1 3600 600 86400 60\n@ NS localhost.\n`;
  write(path, list, head, (name) => `${name} A ${SINKHOLE_ADDRESS}\n*.${name} A ${SINKHOLE_ADDRESS}\n`);
}

export function writeUnboundZones(path: string, list: ListData): void {
  const record = `${SINKHOLE_TTL_SECONDS} A ${SINKHOLE_ADDRESS}`;
  write(path, list, 'server:\n', (name) => `local-zone: "${name}." redirect\nlocal-data: "${name}. ${record}"\n`);
}

export function writeDnsmasq(path: string, list: ListData): void {
  write(path, list, '', (name) => `address=/${name}/${SINKHOLE_ADDRESS}\n`);
}
