/** The part of @koa/multer 4 (over multer 2.5) that this project uses. */
declare module '@koa/multer' {
  import type { IncomingMessage, ServerResponse } from 'node:http';
  import type { Readable } from 'node:stream';

  export interface IncomingFile {
    readonly fieldname: string;
    readonly originalname: string;
    readonly stream: Readable;
  }

  export interface StorageEngine {
    _handleFile(request: IncomingMessage, file: IncomingFile, done: (error: unknown, info?: object) => void): void;
    _removeFile(request: IncomingMessage, file: IncomingFile, done: (error: unknown) => void): void;
  }

  export interface Limits {
    readonly files?: number;
    readonly fields?: number;
    readonly parts?: number;
    readonly fieldSize?: number;
    readonly fieldNameSize?: number;
    readonly fieldNestingDepth?: number;
    readonly fieldArrayIndexLimit?: number;
    readonly headerPairs?: number;
  }

  /** What the middleware reads and writes of a Koa context. */
  export interface FormContext {
    readonly req: IncomingMessage;
    readonly res: ServerResponse;
    readonly request: object;
  }

  export type Middleware = (context: FormContext, next: () => Promise<unknown>) => Promise<unknown>;

  export default function multer(options: {
    readonly storage: StorageEngine;
    readonly limits: Limits;
    readonly defParamCharset: 'utf8';
  }): { any(): Middleware };
}
