/**
 * Writes a constant database (cdb, as D. J. Bernstein described it), which dnsdist looks names up in: a head of 256
 * tables' places, the records, the tables. Keys are names in wire format, as dnsdist asks for them.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { nameFromText } from '../src/dns/name.ts';
import type { ListData } from './list-data.ts';

const TABLES = 256;
const PLACE_BYTES = 8;
const HEAD_BYTES = TABLES * PLACE_BYTES;
const HASH_START = 5381;
const PIECE_BYTES = 1024 * 1024;
const NAME_ROOM_BYTES = 512;
const VALUE = 0x31;

function hashOf(key: Uint8Array): number {
  let hash = HASH_START;
  for (const octet of key) hash = (Math.imul(hash, 33) ^ octet) >>> 0;
  return hash;
}

export function writeConstantDatabase(path: string, list: ListData): void {
  const file = openSync(path, 'w');
  try {
    const hashes = new Uint32Array(list.count);
    const places = new Uint32Array(list.count);
    let at = writeRecords(file, list, hashes, places);
    const head = Buffer.alloc(HEAD_BYTES);
    for (const [table, members] of byTable(hashes).entries()) {
      const slots = tableOf(members, hashes, places);
      head.writeUInt32LE(at, table * PLACE_BYTES);
      head.writeUInt32LE(slots.length / PLACE_BYTES, table * PLACE_BYTES + 4);
      writeSync(file, slots, 0, slots.length, at);
      at += slots.length;
    }
    writeSync(file, head, 0, HEAD_BYTES, 0);
  } finally {
    closeSync(file);
  }
}

function writeRecords(file: number, list: ListData, hashes: Uint32Array, places: Uint32Array): number {
  const piece = Buffer.alloc(PIECE_BYTES);
  let used = 0;
  let at = HEAD_BYTES;
  for (let index = 0; index < list.count; index++) {
    const name = list.nameAt(index);
    const key = nameFromText(name);
    if (key === undefined) throw new Error(`not a name: ${name}`);
    if (used + NAME_ROOM_BYTES > PIECE_BYTES) {
      writeSync(file, piece, 0, used, at);
      at += used;
      used = 0;
    }
    hashes[index] = hashOf(key);
    places[index] = at + used;
    used = piece.writeUInt32LE(key.length, used);
    used = piece.writeUInt32LE(1, used);
    piece.set(key, used);
    used += key.length;
    piece[used++] = VALUE;
  }
  writeSync(file, piece, 0, used, at);
  return at + used;
}

function byTable(hashes: Uint32Array): number[][] {
  const tables: number[][] = Array.from({ length: TABLES }, () => []);
  for (const [index, hash] of hashes.entries()) tables[hash % TABLES]!.push(index);
  return tables;
}

function tableOf(members: readonly number[], hashes: Uint32Array, places: Uint32Array): Buffer {
  const count = members.length * 2;
  const slots = Buffer.alloc(count * PLACE_BYTES);
  for (const index of members) {
    let slot = (hashes[index]! >>> 8) % count;
    while (slots.readUInt32LE(slot * PLACE_BYTES + 4) !== 0) slot = (slot + 1) % count;
    slots.writeUInt32LE(hashes[index]!, slot * PLACE_BYTES);
    slots.writeUInt32LE(places[index]!, slot * PLACE_BYTES + 4);
  }
  return slots;
}
