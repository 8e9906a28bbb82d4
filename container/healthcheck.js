// Is the appliance answering? Asks its front page over the Unix socket, as tor would, and looks at the status only.
import net from 'node:net';
import process from 'node:process';

const path = (process.env['CHATPIC_LISTEN'] ?? '').replace(/^unix:/, '');
const line = 'PROXY TCP6 fc00:dead:beef:4dad::0:1 ::1 1 80\r\n';
const socket = net.connect(path, () =>
  socket.write(`${line}GET /robots.txt HTTP/1.1\r\nHost: health\r\nConnection: close\r\n\r\n`),
);
socket.setTimeout(4000, () => process.exit(1));
socket.once('error', () => process.exit(1));
socket.once('data', (piece) => process.exit(piece.toString('latin1').startsWith('HTTP/1.1 200') ? 0 : 1));
