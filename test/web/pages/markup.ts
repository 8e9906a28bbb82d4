/**
 * A strict reader of the HTML that the pages are: elements must nest and close, attributes must be quoted and known not
 * to run anything. It knows only what the templates use; what it doesn't know is an error.
 */
export interface Element {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly parent: Element | null;
  text: string;
}

const VOID = new Set(['meta', 'link', 'input', 'img', 'br']);
const RAW = new Set(['style', 'textarea', 'title']);
const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  '#39': "'",
  '#96': '`',
  '#92': '\\',
};

/** All elements in document order. Throws at the first thing that isn't well formed. */
export function parse(html: string): Element[] {
  const elements: Element[] = [];
  let open = null as Element | null;
  let rest = html.replace(/^<!doctype html>\n/, '');
  if (rest === html) throw new Error('no doctype');
  while (rest !== '') {
    const raw: Element | null = open;
    if (raw !== null && RAW.has(raw.name)) {
      const end = rest.indexOf(`</${raw.name}>`);
      if (end < 0) throw new Error(`<${raw.name}> doesn't close`);
      raw.text += raw.name === 'style' ? rest.slice(0, end) : decode(rest.slice(0, end));
      rest = rest.slice(end + raw.name.length + 3);
      open = raw.parent;
      continue;
    }
    const text = /^[^<]+/.exec(rest)?.[0];
    if (text !== undefined) {
      for (let at: Element | null = open; at !== null; at = at.parent) at.text += decode(text);
      rest = rest.slice(text.length);
      continue;
    }
    const close = /^<\/([a-z0-9]+)>/.exec(rest);
    if (close !== null) {
      if (open?.name !== close[1]) throw new Error(`</${close[1]}> closes <${open?.name}>`);
      open = open?.parent ?? null;
      rest = rest.slice(close[0].length);
      continue;
    }
    const start = /^<([a-z][a-z0-9]*)((?:\s+[a-zA-Z-]+(?:="[^"<]*")?)*)\s*>/.exec(rest);
    if (start === null) throw new Error(`not markup: ${rest.slice(0, 60)}`);
    const element: Element = { name: start[1] ?? '', attributes: attributesOf(start[2] ?? ''), parent: open, text: '' };
    elements.push(element);
    rest = rest.slice(start[0].length);
    if (!VOID.has(element.name)) open = element;
  }
  if (open !== null) throw new Error(`<${open.name}> doesn't close`);
  return elements;
}

function attributesOf(source: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const [, name = '', value = ''] of source.matchAll(/([a-zA-Z-]+)(?:="([^"]*)")?/g)) {
    if (found.has(name)) throw new Error(`${name} twice`);
    found.set(name, decode(value));
  }
  return found;
}

function decode(text: string): string {
  return text.replace(/&([^;]{0,8};?)/g, (whole, name: string) => {
    const number = /^#(\d+);$/.exec(name)?.[1];
    if (number !== undefined) return String.fromCodePoint(Number(number));
    const value = name.endsWith(';') ? ENTITIES[name.slice(0, -1)] : undefined;
    if (value === undefined) throw new Error(`bare ampersand: ${whole}`);
    return value;
  });
}
