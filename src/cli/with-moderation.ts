/** Opens the store for a verb that works on what moderation keeps, and closes it again. The service must stand still. */
import { systemClock } from '../base/clock.js';
import { configure } from '../config/configuration.js';
import { readEnvironment } from '../config/environment.js';
import { openStore } from '../ledger/open-store.js';
import { Moderation } from '../moderation/moderation.js';
import { rootKeyOf } from './root-key.js';

export async function withModeration<T>(work: (moderation: Moderation, now: number) => Promise<T>): Promise<T> {
  const configuration = configure(readEnvironment(process.env));
  const store = await openStore({ ...configuration, rootKey: rootKeyOf(configuration), clock: systemClock });
  try {
    await store.filling;
    const moderation = await Moderation.open(store);
    try {
      return await work(moderation, store.ledger.now());
    } finally {
      await moderation.close();
    }
  } finally {
    await store.close();
  }
}
