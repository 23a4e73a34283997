// A plugin of typedoc: what nobody need write by hand, since the values themselves say it. Fields of headers, `meta`, `ct`, options,
// expressions and features get a line made from dist/; so do properties that tell kinds of objects apart.
import { Comment, Converter, ReflectionKind } from 'typedoc';

/** By name, everything that the library exports. */
const exported = new Map(Object.entries(await import('../../dist/index.js')));

const BYTE_ORDER = { host: ', host order', network: ', network order', none: '' };

/** The parts of a rule whose names are nft's own: `tcp.dport` is `tcp dport`. */
const NFT_NAMES =
  /^(?:ether|vlan|arp|ip|ip6|icmp|icmpv6|igmp|tcp|udp|udplite|sctp|dccp|th|ah|esp|comp|meta|ct|rt|socket)\.[a-z0-9]+$/;

/** The line for the value at a path, or undefined for one that says nothing by itself. */
function lineFor(value, path) {
  if (value?.kind === 'source') {
    const { name } = value.type;
    const what = NFT_NAMES.test(path)
      ? `nft's \`${path.replace('.', ' ')}\`, a value of type`
      : "A value of nft's type";
    return `${what} \`${name}\`: ${sizeOf(value)}.`;
  }
  if (typeof value?.since === 'string') return `Linux ${value.since}: ${value.what}.`;
  if (typeof value?.wire === 'number') return numbersOf(value);
  if (value?.fields !== undefined) return `The kernel's expression \`${value.name}\`.`;
  return undefined;
}

/** `2 bytes, network order`, `4 bits of 1 byte`. */
function sizeOf({ type, bits }) {
  const { byteLength, byteOrder } = type;
  const bytes = `${byteLength} byte${byteLength === 1 ? '' : 's'}`;
  if (bits === undefined) return byteLength === 1 ? bytes : `${bytes}${BYTE_ORDER[byteOrder]}`;
  const count = [...bits.mask].reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0);
  return `${count} bit${count === 1 ? '' : 's'} of ${bytes}`;
}

function numbersOf({ wire, library }) {
  return `attribute ${wire}, ${library === undefined ? 'not known to libnftnl 1.2.4' : `NFTNL_EXPR_* ${library}`}`;
}

/** typedoc shows nothing of what a type argument holds: the fields are listed in the text. */
function fieldsOf({ fields }) {
  const lines = Object.entries(fields)
    .map(([name, field]) => `\n- \`${name}\`: ${numbersOf(field)}`)
    .join('');
  return lines === '' ? '' : `\n\nFields:\n${lines}`;
}

/** Gives it a comment, if it has none. */
function describe(reflection, text) {
  reflection.comment ??= new Comment([{ kind: 'text', text }]);
}

/** The line for the value at a reflection, then for what is inside it. */
function walk(reflection, value, path) {
  const line = lineFor(value, path);
  if (line !== undefined) describe(reflection, line);
  if (value?.fields !== undefined) reflection.comment.summary.push({ kind: 'text', text: fieldsOf(value) });
  const target = reflection.type?.type === 'reflection' ? reflection.type.declaration : reflection;
  for (const child of target.children ?? []) {
    const inside = value?.fields?.[child.name] ?? value?.[child.name];
    if (inside !== undefined) walk(child, inside, `${path}.${child.name}`);
  }
  // What a type argument holds: `ExpressionKind<{ dreg: Field<number> }>`.
  for (const argument of reflection.type?.typeArguments ?? []) {
    if (argument.type === 'reflection') walk(argument.declaration, value, path);
  }
}

/** `kind: 'table'`: the type is the value. */
function describeLiterals(project) {
  for (const property of project.getReflectionsByKind(ReflectionKind.Property)) {
    if (property.type?.type !== 'literal') continue;
    describe(property, `Always \`${JSON.stringify(property.type.value)}\`: tells it from others.`);
  }
}

/** Called by typedoc. */
export function load(app) {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    const index = project.children?.find(({ name }) => name === 'nftlink') ?? project;
    for (const child of index.children ?? []) {
      if (child.kind !== ReflectionKind.Variable && child.kind !== ReflectionKind.Namespace) continue;
      walk(child, exported.get(child.name), child.name);
    }
    describeLiterals(project);
  });
}
