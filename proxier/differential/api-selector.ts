import type { ApiObject } from './api-objects.ts';

export type Selector = (object: ApiObject) => boolean;

/** Reads `labelSelector` and `fieldSelector` of a request. Throws for a form that kube-proxy does not use. */
export function readSelector(query: URLSearchParams): Selector {
  const conditions = [
    ...terms(query.get('labelSelector')).map((term) => labelCondition(term)),
    ...terms(query.get('fieldSelector')).map((term) => fieldCondition(term)),
  ];
  return (object) => conditions.every((condition) => condition(object));
}

function terms(selector: string | null): readonly string[] {
  return (selector ?? '').split(',').filter((term) => term !== '');
}

/** `!key`, `key=value`, `key!=value` or `key`. */
function labelCondition(term: string): Selector {
  if (term.startsWith('!')) return ({ metadata }) => !(term.slice(1) in (metadata.labels ?? {}));
  return comparison(term, (object, key) => object.metadata.labels?.[key]);
}

/** `spec.clusterIP!=None`, `metadata.name=node-a` */
function fieldCondition(term: string): Selector {
  return comparison(term, fieldOf);
}

function comparison(term: string, read: (object: ApiObject, key: string) => string | undefined): Selector {
  const match = /^([^!=]+)(?:(!=|==?)(.*))?$/.exec(term);
  if (match === null) throw new Error(`the selector ${term} is not known here`);
  const [, key = '', operator, value] = match;
  if (operator === undefined) return (object) => read(object, key) !== undefined;
  return (object) => (read(object, key) === value) === (operator !== '!=');
}

function fieldOf(object: ApiObject, path: string): string | undefined {
  let value: unknown = object;
  for (const key of path.split('.')) {
    value = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
  }
  return typeof value === 'string' ? value : undefined;
}
