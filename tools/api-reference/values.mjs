// A plugin of typedoc: what nobody need write by hand, since the values themselves say it. Fields of headers, `meta`, `ct`, options,
// expressions and features get a line made from dist/; so do properties that tell kinds of objects apart.
import { Comment, Converter, ReflectionKind } from 'typedoc';

/** By name, everything that the library exports. */
const exported = new Map(Object.entries(await import('../../dist/index.js')));

const BYTE_ORDER = { host: ', host order', network: ', network order', none: '' };

/** The line for a value, or undefined for one that says nothing by itself. */
function lineFor(value) {
  if (value?.kind === 'source') {
    const { name, byteLength, byteOrder } = value.type;
    return `A value of nft's type \`${name}\`: ${byteLength} byte${byteLength === 1 ? '' : 's'}${BYTE_ORDER[byteOrder]}.`;
  }
  if (typeof value?.since === 'string') return `Linux ${value.since}: ${value.what}.`;
  if (typeof value?.wire === 'number') {
    const library =
      value.library === undefined ? 'not known to libnftnl 1.2.4' : `libnftnl's ${value.library}`;
    return `Attribute ${value.wire} on the wire, ${library}.`;
  }
  if (typeof value?.make === 'function') return `The kernel's expression \`${value.name}\`.`;
  return undefined;
}

function describe(reflection, text) {
  if (reflection.comment !== undefined) return;
  reflection.comment = new Comment([{ kind: 'text', text }]);
}

/** The line for the value at a reflection, then for what is inside it. */
function walk(reflection, value) {
  const line = lineFor(value);
  if (line !== undefined) describe(reflection, line);
  const target = reflection.type?.type === 'reflection' ? reflection.type.declaration : reflection;
  for (const child of target.children ?? []) {
    const inside = value?.fields?.[child.name] ?? value?.[child.name];
    if (inside !== undefined) walk(child, inside);
  }
  // What a type argument holds: `ExpressionKind<{ dreg: Field<number> }>`.
  for (const argument of reflection.type?.typeArguments ?? []) {
    if (argument.type === 'reflection') walk(argument.declaration, value);
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
      walk(child, exported.get(child.name));
    }
    describeLiterals(project);
  });
}
