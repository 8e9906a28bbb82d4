/**
 * Templates and style sheets, read and compiled once at the start. Nothing is read or compiled while a page is rendered.
 *
 * What holds: autoescape is on; a name that a template uses and nobody gave is an error, never an empty string; every
 * inline style block of a page is listed with its hash, so that a policy can allow these and no others.
 */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import nunjucks from 'nunjucks';

/** A page and what its Content-Security-Policy must allow: `'sha256-…'` sources for `style-src`. */
export interface Rendered {
  readonly html: string;
  readonly styleHashes: readonly string[];
}

/** Base64 of the SHA-256 of a text in UTF-8. */
export type HashOf = (text: string) => string;

export interface Templates {
  /** Renders `name`.njk with `context`, in the style sheets `sheets` and the style block `extra`, if any. */
  render(name: string, context: object, sheets: readonly string[], extra?: string): Rendered;
}

/** The templates of `directory` and its style sheets, to which `sheetFiles` adds single ones from elsewhere. */
export function loadTemplates(directory: string, hashOf: HashOf, ...sheetFiles: readonly string[]): Templates {
  const names = readdirSync(directory);
  const environment = new nunjucks.Environment(new nunjucks.FileSystemLoader(directory), {
    autoescape: true,
    throwOnUndefined: true,
    trimBlocks: true,
    lstripBlocks: true,
  });
  const compiled = new Map(
    names
      .filter((name) => name.endsWith('.njk'))
      .map((name) => [name.slice(0, -'.njk'.length), environment.getTemplate(name, true)]),
  );
  const sheets = new Map(
    [...sheetFiles, ...names.filter((name) => name.endsWith('.css')).map((name) => path.join(directory, name))].map(
      (file) => [path.basename(file, '.css'), squeezed(readFileSync(file, 'utf8'))],
    ),
  );
  const styleOf = (wanted: readonly string[]): string =>
    wanted
      .map((name) => {
        const sheet = sheets.get(name);
        if (sheet === undefined) throw new Error(`no style sheet ${name}`);
        return sheet;
      })
      .join('');
  const hashes = new Map<string, string>();
  const sourceOf = (style: string): string => {
    const source = hashes.get(style) ?? `'sha256-${hashOf(style)}'`;
    hashes.set(style, source);
    return source;
  };
  return {
    render(name, context, wanted, extra) {
      const template = compiled.get(name);
      if (template === undefined) throw new Error(`no template ${name}`);
      const style = styleOf(wanted);
      const html = template.render({ ...context, style, extraStyle: extra ?? null });
      // The extra block holds an upload's ID: it is hashed each time and its hash is not kept.
      const styleHashes = extra === undefined ? [sourceOf(style)] : [sourceOf(style), `'sha256-${hashOf(extra)}'`];
      return { html, styleHashes };
    },
  };
}

/** A style sheet without comments and without the white space that only people need. */
export function squeezed(css: string): string {
  return css
    .replace(/\/\*[^]*?\*\//g, '')
    .replace(/\s+/g, ' ')
    .replace(/ ?([{};,>]) ?/g, '$1')
    .replace(/: /g, ':')
    .replace(/;}/g, '}')
    .trim();
}
