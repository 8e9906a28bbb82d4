/** Bounds per circuit, as middleware: behind tor the circuit is all that tells two visitors apart. */
import type { Context } from 'koa';
import { Refusal } from '../base/errors.js';
import type { CircuitOf } from '../tor/circuit-id.js';
import type { CircuitLimits } from '../tor/circuit-limits.js';

export interface Circuits {
  readonly circuitOf: CircuitOf;
  readonly limits: CircuitLimits;
}

/** Refuses what is over a circuit's bounds, before anything else is done for it. */
export function boundCircuits({ circuitOf, limits }: Circuits) {
  return async (ctx: Context, next: () => Promise<unknown>): Promise<void> => {
    const circuit = circuitOf(ctx.req.socket);
    if (circuit === null) throw new Refusal('forbidden', 'this listener is for tor alone');
    const wait = limits.request(circuit);
    if (wait > 0) throw new Refusal('slow-down', 'too many requests', { seconds: Math.ceil(wait / 1000) });
    if (!isUpload(ctx)) {
      await next();
      return;
    }
    const release = limits.upload(circuit);
    if (release === null) throw new Refusal('slow-down', 'too many uploads at once', { seconds: 30 });
    try {
      await next();
    } finally {
      release();
    }
  };
}

export function isUpload({ method, path }: Context): boolean {
  return method === 'PUT' || (method === 'POST' && path === '/');
}
