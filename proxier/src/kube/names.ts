import { asText, complain, type Field, show } from './fields.ts';

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

/** A DNS label (RFC 1123): names of namespaces, Services and Service ports. Complains and gives `undefined` otherwise. */
export function asDnsLabel(field: Field): string | undefined {
  const text = asText(field);
  if (text === undefined || (text.length <= 63 && LABEL.test(text))) return text;
  return complain(
    field,
    `${show(text)} is not a DNS label (at most 63 lower-case letters, digits and "-", with no "-" at either end)`,
  );
}

/** A DNS subdomain (RFC 1123), labels joined by dots: names of most objects. */
export function asDnsSubdomain(field: Field): string | undefined {
  const text = asText(field);
  if (text === undefined) return undefined;
  if (text.length <= 253 && text.split('.').every((label) => LABEL.test(label))) return text;
  return complain(
    field,
    `${show(text)} is not a DNS name (at most 253 lower-case letters, digits, "-" and ".", each part ending in a letter or digit)`,
  );
}
