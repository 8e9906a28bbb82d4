// Is the appliance well? Asks on its own socket whether a commit goes through; the exit code is the answer.
import http from 'node:http';
import process from 'node:process';

const socketPath = (process.env['CHATPIC_HEALTH_LISTEN'] ?? '').replace(/^unix:/, '');
http
  .get({ socketPath, path: '/health', timeout: 25_000 }, ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1))
  .once('timeout', () => process.exit(1))
  .once('error', () => process.exit(1));
