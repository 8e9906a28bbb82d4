/** The small files that tools look for: what crawlers may read, and whom to tell of a hole. */
import test from 'tap';
import { startAppliance } from './appliance.js';

test.test(
  'robots may read nothing, and security.txt is as RFC 9116 wants it, with whole months for a clock',
  async (t) => {
    const appliance = await startAppliance();
    t.teardown(() => appliance.stop());
    const get = async (path: string): Promise<string> => {
      const answer = await fetch(`${appliance.base}${path}`);
      t.equal(answer.status, 200);
      t.match(answer.headers.get('content-type'), /^text\/plain; charset=utf-8$/);
      return answer.text();
    };
    t.equal(await get('/robots.txt'), 'User-agent: *\nDisallow: /\n');
    const [contact, expires = '', languages] = (await get('/.well-known/security.txt')).split('\n');
    t.equal(contact, `Contact: ${appliance.base}/contact`);
    t.match(expires, /^Expires: \d{4}-\d\d-01T00:00:00\.000Z$/);
    const ahead = Date.parse(expires.slice('Expires: '.length)) - Date.now();
    t.ok(ahead > 100 * 86_400_000 && ahead < 366 * 86_400_000, 'in less than a year');
    t.equal(languages, 'Preferred-Languages: en');
    t.equal((await fetch(`${appliance.base}/contact`)).status, 200, 'somebody can be told');
  },
);
