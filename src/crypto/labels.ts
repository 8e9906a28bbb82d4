/**
 * The one table of labels. A label separates one use of a key from every other; two uses never share one.
 * Changing a label changes what everything sealed under it can be opened with.
 */
export const LABEL = {
  /** HKDF info: root key and slot to the epoch's key. */
  epoch: 'epoch',
  /** HKDF info: epoch's key to the snapshot's. */
  snapshot: 'snap',
  /** HKDF info: epoch's key to the log's. */
  log: 'log',
  /** HKDF info: epoch's key to the one that marks log pages as not written yet. */
  blank: 'blank',
  /** HKDF info: share secret and link token to the share's key. */
  share: 'share',
  /** HKDF info: share secret to the salt under which its passphrase is stretched. */
  passphraseSalt: 'pw',
  /** HKDF info: secret of the share that owns a block list to the key of its stream. */
  blockList: 'block list',
  /** HMAC prefix: link token to the id by which the ledger knows a share. */
  link: 'L',
  /** HMAC prefix: deletion token to the id by which the ledger knows its right to delete. */
  deletion: 'D',
  /** HKDF info: upload ID to the key under which its receipt can be given again. */
  repeat: 'repeat',
  /** HMAC prefix: share key to the strong entity tag of an item. */
  entityTag: 'etag',
  /** SHA-256 prefix: Pro code to the name under which it is filed. */
  voucher: 'voucher ',
} as const;

/** Contexts of the sealed streams: bound in, never stored. */
export const CONTEXT = {
  share: 'chatpic share v1',
  spool: 'chatpic spool v1',
  blockList: 'chatpic block list v1',
} as const;
