/**
 * Where a listener stands in the world: the address that its links bear. It comes from the configuration, never from a
 * request's Host header, which is whatever a client says.
 */
import type { OtherLink } from './pages/views.js';

export interface Site {
  readonly kind: 'onion' | 'mirror' | 'local';
  /** Scheme and host, without a slash at the end. */
  readonly origin: string;
  readonly onionOrigin: string | null;
  readonly mirrorOrigin: string | null;
  /** Over TLS: answers bear HSTS, and pages name the onion. Never on an onion, where it would break the site. */
  readonly secure: boolean;
  /** Links are opened here, and nothing is shared. */
  readonly readOnly?: boolean;
}

export function shareLink(site: Site, token: string): string {
  return `${site.origin}/view/${token}`;
}

export function deleteLink(site: Site, token: string): string {
  return `${site.origin}/delete/${token}`;
}

/** The same share at the appliance's other addresses. */
export function otherLinks(site: Site, token: string): OtherLink[] {
  const links: OtherLink[] = [];
  if (site.onionOrigin !== null && site.kind !== 'onion')
    links.push({ kind: 'onion', url: `${site.onionOrigin}/view/${token}` });
  if (site.mirrorOrigin !== null && site.kind !== 'mirror') {
    links.push({ kind: 'mirror', url: `${site.mirrorOrigin}/view/${token}` });
  }
  return links;
}
