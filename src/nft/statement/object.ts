import { InvalidArgumentError } from '../../invalid-argument.ts';
import { objrefKind } from '../expression/kinds.ts';
import { registerNumber } from '../expression/register.ts';
import { objectType, type StatefulObject } from '../object/kinds.ts';
import type { NftMap } from '../set.ts';
import { checkKey, loadKey } from './combine.ts';
import { type Source, type Statement, statement } from './source.ts';

/**
 * Uses an object of the rule's table: nft's `counter name "c"`, `quota name "q"`, `limit name "l"`, `ct helper set "h"`, `ct timeout set
 * "t"`, `ct expectation set "e"`, `synproxy name "p"`, `meta secmark set "s"`, `tunnel name "t"`.
 */
export function objectNamed(object: StatefulObject): Statement {
  return statement([], [objrefKind.make({ type: objectType(object), name: object.name })]);
}

/** Uses the object that a map has for a value; a rule ends where it has none: nft's `counter name ip saddr map @m`. */
export function objectFrom<K>(key: Source<K, unknown>, map: NftMap<K, unknown, never, string>): Statement {
  checkKey(key.type, map.key, map.name);
  if (map.data.objectType === undefined) {
    throw new InvalidArgumentError('map', map.name, 'a map of stateful objects (objectMap)');
  }
  return statement(key.needs, [
    ...loadKey(key, map, 0),
    objrefKind.make({ sreg: registerNumber(0), set: map.name }),
  ]);
}
