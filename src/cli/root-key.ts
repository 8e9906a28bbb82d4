/** The source of the root key, as `CHATPIC_ROOT_KEY` names it. */
import path from 'node:path';
import { StoreFault } from '../base/errors.js';
import type { Configuration } from '../config/configuration.js';
import { credential, keyFile, passphrase, type RootKey } from '../store/root-key.js';
import { askPassphrase } from './ask.js';

/** Names that systemd's credentials have in this project's units. */
const KEY_CREDENTIAL = 'root.key';
const PASSPHRASE_CREDENTIAL = 'root.passphrase';

export function rootKeyOf({ rootKey, dataDir }: Configuration, variables: NodeJS.ProcessEnv = process.env): RootKey {
  const credentials = variables['CREDENTIALS_DIRECTORY'];
  switch (rootKey) {
    case 'file':
      return keyFile(path.join(dataDir, 'key', 'root.key'));
    case 'credential':
      if (credentials === undefined) {
        throw new StoreFault(
          'root key',
          'CREDENTIALS_DIRECTORY is not set',
          `start it as a systemd service with LoadCredential=${KEY_CREDENTIAL}:…, or set CHATPIC_ROOT_KEY`,
        );
      }
      return credential(path.join(credentials, KEY_CREDENTIAL));
    case 'passphrase': {
      const file = credentials === undefined ? null : path.join(credentials, PASSPHRASE_CREDENTIAL);
      return passphrase(() => askPassphrase(file), path.join(dataDir, 'key', 'root.salt'));
    }
  }
}
