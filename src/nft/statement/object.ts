import { InvalidArgumentError } from '../../invalid-argument.ts';
import type { AnonymousMap } from '../anonymous-set.ts';
import type { Expression } from '../expression/expression.ts';
import { objrefKind } from '../expression/kinds.ts';
import { registerNumber } from '../expression/register.ts';
import { objectType, type StatefulObject } from '../object/kinds.ts';
import type { NftMap } from '../set.ts';
import { checkKey, loadKey, nameOfSet } from './combine.ts';
import { type Source, type Statement, statement } from './source.ts';

/**
 * Uses an object of the rule's table: nft's `counter name "c"`, `quota name "q"`, `limit name "l"`, `ct helper set "h"`, `ct timeout set
 * "t"`, `ct expectation set "e"`, `synproxy name "p"`, `meta secmark set "s"`, `tunnel name "t"`.
 */
export function objectNamed(object: StatefulObject): Statement {
  return statement([], [objrefKind.make({ type: objectType(object), name: object.name })]);
}

/** Uses the object that a map has for a value; a rule ends where it has none: nft's `counter name ip saddr map @m`. */
export function objectFrom<K>(
  key: Source<K, unknown>,
  map: NftMap<K, unknown, never, string> | AnonymousMap<K, never, string>,
): Statement {
  checkKey(key.type, map.key, nameOfSet(map));
  if (map.data.objectType === undefined) {
    throw new InvalidArgumentError('map', nameOfSet(map), 'a map of stateful objects (objectMap)');
  }
  const sreg = registerNumber(0);
  const use: Expression =
    map.kind === 'map'
      ? objrefKind.make({ sreg, set: map.name })
      : Object.freeze({ ...objrefKind.make({ sreg }), anonymousSet: map });
  return statement(key.needs, [...loadKey(key, map, 0), use]);
}
