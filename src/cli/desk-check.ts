/** Whether moderators can come, as the running appliance says: nothing else shows that a desk of its own does not run. */
import type { Configuration } from '../config/configuration.js';
import type { Finding } from './checks.js';
import { controlSocketOf } from './control-socket.js';
import type { Stats } from './operator-socket.js';
import { askRunning } from './running.js';

const name = 'desk';

export async function desk(configuration: Configuration): Promise<Finding> {
  const socket = await controlSocketOf(configuration);
  const stats = await askRunning<Stats>(socket, 'GET /stats').catch(() => null);
  if (stats === null) return { name, state: 'good', says: 'not asked: no appliance answers', todo: '' };
  if (stats.desk) return { name, state: 'good', says: 'at work', todo: '' };
  const todo = 'look at systemctl status chatpic-desk, or where there is no such service, at the journal';
  return { name, state: 'warn', says: 'it is not there: no moderator can come', todo };
}
