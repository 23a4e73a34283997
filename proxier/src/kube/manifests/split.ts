/** A piece of a YAML file that can be parsed by itself. */
export interface Chunk {
  readonly text: string;
  /** Lines of the file before the chunk. */
  readonly linesBefore: number;
  /** `item`: one item of the list whose document, without its items, is the chunk before. */
  readonly part: 'document' | 'item';
  /** Lines that were cut out of the chunk, and the line of the chunk (from 1) that they began at. */
  readonly gap?: { readonly line: number; readonly lines: number };
}

/** Smaller documents are parsed as a whole. */
const BIG_DOCUMENT_CHARS = 32_768;

/**
 * Cuts YAML into documents, and big block lists (`kubectl get -o yaml`) into their items, so that a large file can be
 * parsed piece by piece, and after an edit only the pieces that changed. YAML allows the cuts: a line that begins with
 * `---` ends every scalar, and what belongs to an item is indented deeper than its dash.
 */
export function splitYaml(text: string, bigDocumentChars: number = BIG_DOCUMENT_CHARS): readonly Chunk[] {
  if (/^%/m.test(text)) return [{ text, linesBefore: 0, part: 'document' }];
  const chunks: Chunk[] = [];
  let linesBefore = 0;
  for (const document of text.split(/^(?=---(?:[ \t\r\n]|$))/m)) {
    if (document.length < bigDocumentChars) chunks.push({ text: document, linesBefore, part: 'document' });
    else chunks.push(...splitList(document, linesBefore));
    linesBefore += countLines(document);
  }
  return chunks;
}

function splitList(document: string, linesBefore: number): readonly Chunk[] {
  const whole: readonly Chunk[] = [{ text: document, linesBefore, part: 'document' }];
  // Anchors may be used from one item to another.
  if (/[\s[{,:-][*&][^\s]/.test(document)) return whole;
  const head = /^items:[ \t]*(?:#.*)?\r?\n(?:[ \t]*(?:#.*)?\r?\n)*(?= *-[ \r\n])/m.exec(document);
  if (head === null) return whole;
  const start = head.index + head[0].length;
  const indent = /^ */.exec(document.slice(start, start + 200))?.[0] ?? '';
  const end = endOfList(document, start, indent);
  const dash = new RegExp(`^(?=${indent}-[ \\r\\n])`, 'm');
  const items = document.slice(start, end).split(dash);
  const before = document.slice(0, start);
  const gap = { line: countLines(before) + 1, lines: countLines(document.slice(start, end)) };
  const chunks: Chunk[] = [{ text: before + document.slice(end), linesBefore, part: 'document', gap }];
  let line = linesBefore + countLines(before);
  for (const item of items) {
    const text = `${indent} ${item.slice(indent.length + 1)}`;
    chunks.push({ text, linesBefore: line, part: 'item' });
    line += countLines(item);
  }
  return chunks;
}

/** Where the first line stands that is neither an item, nor inside one, nor a comment. */
function endOfList(document: string, start: number, indent: string): number {
  const outside = new RegExp(`^(?! {${indent.length}}(?:-[ \\r\\n]| ))[ ]*[^ \\t\\r\\n#]`, 'gm');
  outside.lastIndex = start;
  return outside.exec(document)?.index ?? document.length;
}

function countLines(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count += 1;
  return count;
}
