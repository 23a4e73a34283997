/**
 * Reading of typed values from parsed YAML or JSON, field by field. What is wrong is told to `complain` with the
 * field's path, and reading goes on, so that a user sees all mistakes of an object at once.
 */
import { type Address, formatAddress, isIPv4Mapped, parseAddress } from './address.ts';

/** Keys and indexes from the object's root: `['spec', 'ports', 0, 'port']`. */
export type Path = readonly (string | number)[];

export interface Complaint {
  readonly path: Path;
  readonly message: string;
}

/** One place in an object. `value` is `undefined` when it is absent or null, which Kubernetes holds to be the same. */
export interface Field {
  readonly value: unknown;
  readonly path: Path;
  readonly complain: (complaint: Complaint) => void;
}

/** `spec.ports[0].port` */
export function formatPath(path: Path): string {
  return path
    .map((key, index) => (typeof key === 'number' ? `[${key}]` : index === 0 ? key : `.${key}`))
    .join('');
}

/** The value in a message: short, on one line. */
export function show(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a mapping';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

export function complain(field: Field, message: string): undefined {
  field.complain({ path: field.path, message });
}

/** A field inside a mapping; complains when the outer value is no mapping. */
export function child(field: Field, key: string): Field {
  const mapping = asMapping(field);
  const value = mapping && Object.hasOwn(mapping, key) ? mapping[key] : undefined;
  return { value: value ?? undefined, path: [...field.path, key], complain: field.complain };
}

export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function asMapping(field: Field): Readonly<Record<string, unknown>> | undefined {
  if (field.value === undefined || isMapping(field.value)) return field.value;
  return complain(field, `${show(field.value)} is not a mapping`);
}

export function asText(field: Field): string | undefined {
  if (field.value === undefined || typeof field.value === 'string') return field.value;
  const advice = typeof field.value === 'object' ? '' : ' (write it in quotes)';
  return complain(field, `${show(field.value)} is not a string${advice}`);
}

export function asBoolean(field: Field): boolean | undefined {
  if (field.value === undefined || typeof field.value === 'boolean') return field.value;
  return complain(field, `${show(field.value)} is not true or false`);
}

/** An integer of a range; `what` is said in the complaint: "70000 is not a port number (1 to 65535)". */
export function asInteger(field: Field, min: number, max: number, what: string): number | undefined {
  const { value } = field;
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
  return complain(field, `${show(value)} is not ${what} (${min} to ${max})`);
}

export function asOneOf<const T extends string>(field: Field, choices: readonly T[]): T | undefined {
  if (field.value === undefined) return undefined;
  const choice = choices.find((candidate) => candidate === field.value);
  if (choice !== undefined) return choice;
  return complain(
    field,
    `${show(field.value)} is not ${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`,
  );
}

/** The items of a list, `[]` when it is absent. */
export function asItems(field: Field): readonly Field[] {
  if (field.value === undefined) return [];
  if (!Array.isArray(field.value)) {
    complain(field, `${show(field.value)} is not a list`);
    return [];
  }
  return field.value.map((value: unknown, index) => ({
    value: value ?? undefined,
    path: [...field.path, index],
    complain: field.complain,
  }));
}

export function asTextMapping(field: Field): Readonly<Record<string, string>> {
  const texts: Record<string, string> = {};
  for (const key of Object.keys(asMapping(field) ?? {})) {
    const text = asText(child(field, key));
    if (text !== undefined) texts[key] = text;
  }
  return texts;
}

/** The texts under these names. There may be others, which must be texts, too. */
export function asTextsNamed(field: Field, names: readonly string[]): Readonly<Record<string, string>> {
  const texts = asTextMapping(field);
  const found = names.filter((name) => Object.hasOwn(texts, name));
  // One for all that have none: there are as many as objects.
  return found.length === 0 ? NO_TEXTS : Object.fromEntries(found.map((name) => [name, texts[name] ?? '']));
}

const NO_TEXTS: Readonly<Record<string, string>> = Object.freeze({});

/** An IP address; `.text` is canonical. */
export function asAddress(field: Field): (Address & { readonly text: string }) | undefined {
  const text = asText(field);
  if (text === undefined) return undefined;
  const address = parseAddress(text);
  if (address === undefined) return complain(field, `${show(text)} is not an IP address`);
  if (isIPv4Mapped(address)) {
    return complain(field, `${show(text)} is an IPv4 address in IPv6 form; write ${text.replace(/.*:/, '')}`);
  }
  return { ...address, text: formatAddress(address) };
}

/** Complains when the field is absent. */
export function required<T>(value: T | undefined, field: Field, what: string): T | undefined {
  if (field.value === undefined) complain(field, `${what} is missing`);
  return value;
}
