/** What doctor says of the program that everything runs in. */
import test from 'tap';
import { ownerFinding, ptraceFinding } from '../../src/cli/node-check.js';

const NODE = '/opt/node/bin/node';
const ROOT = { uid: 0, mode: 0o100711 };
const FOLDER = { uid: 0, mode: 0o040755 };

test.test('a node that somebody else can change is bad', (t) => {
  const asRoot = ownerFinding(NODE, { uid: 1001, mode: 0o100711 }, { uid: 1001, mode: 0o040755 }, 0);
  t.equal(asRoot.state, 'refuse', 'as an archive leaves it that root unpacked');
  t.equal(asRoot.says, 'user 1001 can change /opt/node/bin/node');
  t.match(asRoot.todo, 'chown -R root:root /opt/node,');
  t.equal(ownerFinding(NODE, ROOT, { uid: 1001, mode: 0o040755 }, 0).state, 'refuse', 'the folder is enough');
  t.equal(ownerFinding(NODE, { uid: 0, mode: 0o100775 }, FOLDER, 0).state, 'refuse', "others' by its mode");
  t.end();
});

test.test("root's node is good, and one's own is for oneself", (t) => {
  t.equal(ownerFinding(NODE, ROOT, FOLDER, 0).state, 'good');
  t.equal(ownerFinding(NODE, ROOT, FOLDER, 1000).state, 'good');
  const own = { uid: 1000, mode: 0o100755 };
  t.equal(ownerFinding(NODE, own, own, 1000).state, 'good');
  t.equal(ownerFinding(NODE, own, own, 0).state, 'refuse');
  t.end();
});

test.test('memory is kept from the same user by Yama, or by a node that may not be read', (t) => {
  t.equal(ptraceFinding('', ROOT).state, 'good');
  t.equal(ptraceFinding('0', ROOT).state, 'good');
  t.equal(ptraceFinding('1', { uid: 0, mode: 0o100755 }).state, 'good');
  t.equal(ptraceFinding('0', { uid: 0, mode: 0o100755 }).state, 'warn');
  t.equal(ptraceFinding('0', { uid: 1000, mode: 0o100711 }).state, 'warn', 'its owner may read it');
  t.end();
});
