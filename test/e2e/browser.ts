/**
 * Real browsers with scripts off in the page, driven from outside: Firefox ESR with what Tor Browser sets at *Safest*
 * (WebDriver BiDi) and Chromium (DevTools protocol).
 *
 * With scripts off in Firefox only a synchronous expression can be evaluated: whatever waits for a promise, a timer or
 * an animation frame never answers. So nothing here uses puppeteer's `click`, `waitForSelector` or `goto`: a click is
 * a box and a mouse, a wait is a poll from outside. Expressions are strings, because no browser types are in this project.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRequire } from 'node:module';
import type { Browser, CDPSession, Page, PuppeteerNode } from 'puppeteer-core';

/** As CommonJS: the loader that tap puts before ES modules resolves a subpath of chromium-bidi to a file that is none. */
const puppeteer = createRequire(import.meta.url)('puppeteer-core') as PuppeteerNode;

const FIREFOX = process.env['FIREFOX_BIN'] ?? '/usr/bin/firefox-esr';
const CHROMIUM = process.env['CHROMIUM_BIN'] ?? '/usr/bin/chromium';

/** Tor Browser's security level Safest, and what NoScript makes of it. */
const SAFEST = {
  'javascript.enabled': false,
  'svg.disabled': true,
  'mathml.disabled': true,
  'gfx.font_rendering.graphite.enabled': false,
  'gfx.font_rendering.opentype_svg.enabled': false,
  'gfx.downloadable_fonts.enabled': false,
  'webgl.disabled': true,
  'media.autoplay.default': 5,
  'media.autoplay.blocking_policy': 2,
};

/** What a page can notice of Tor Browser's ground profile. */
const TOR_BROWSER = {
  'browser.privatebrowsing.autostart': true,
  'browser.cache.disk.enable': false,
  'browser.privatebrowsing.forceMediaMemoryCache': true,
  'media.memory_cache_max_size': 65536,
  'privacy.resistFingerprinting': true,
  'privacy.spoof_english': 2,
  'privacy.firstparty.isolate': true,
  'network.cookie.cookieBehavior': 1,
  'network.http.referer.XOriginTrimmingPolicy': 2,
  'network.http.referer.defaultPolicy': 2,
  'dom.serviceWorkers.enabled': false,
  'media.peerconnection.enabled': false,
  'browser.formfill.enable': false,
  'signon.rememberSignons': false,
  'network.prefetch-next': false,
  'network.predictor.enabled': false,
  'network.http.speculative-parallel-limit': 0,
  'network.dns.disablePrefetch': true,
};

/** Nothing on the network but the page under test. */
const QUIET = {
  'app.update.enabled': false,
  'app.normandy.enabled': false,
  'browser.safebrowsing.malware.enabled': false,
  'browser.safebrowsing.phishing.enabled': false,
  'browser.safebrowsing.downloads.enabled': false,
  'browser.search.update': false,
  'browser.region.update.enabled': false,
  'browser.region.network.url': '',
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'toolkit.telemetry.enabled': false,
  'extensions.getAddons.cache.enabled': false,
  'extensions.update.enabled': false,
  'extensions.systemAddon.update.enabled': false,
  'media.gmp-manager.updateEnabled': false,
  'media.gmp-provider.enabled': false,
  'dom.push.enabled': false,
  'browser.aboutwelcome.enabled': false,
  'browser.startup.homepage': 'about:blank',
  'browser.newtabpage.enabled': false,
  'network.proxy.type': 0,
};

const CHROMIUM_FLAGS = [
  '--no-sandbox',
  '--disable-dev-shm-usage',
  '--disable-gpu',
  '--no-first-run',
  '--no-default-browser-check',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-default-apps',
  '--disable-sync',
  '--metrics-recording-only',
  '--disable-breakpad',
  '--password-store=basic',
  '--use-mock-keychain',
  '--dns-prefetch-disable',
  '--no-pings',
  '--disable-features=OptimizationHints,MediaRouter,Translate,AutofillServerCommunication',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
];

export type BrowserName = 'firefox' | 'chromium';

export interface Driven {
  readonly name: BrowserName;
  readonly browser: Browser;
  /** Where downloads land. */
  readonly downloads: string;
  newTab(): Promise<Tab>;
  close(): Promise<void>;
}

export interface LaunchOptions {
  /** Scripts on, for axe-core, which is put into the page from outside. */
  readonly scripts?: boolean;
  readonly viewport?: { readonly width: number; readonly height: number };
}

export async function launch(name: BrowserName, options: LaunchOptions = {}): Promise<Driven> {
  const folder = mkdtempSync(path.join(os.tmpdir(), `chatpic-${name}-`));
  const downloads = path.join(folder, 'downloads');
  mkdirSync(downloads);
  const browser = await (name === 'firefox' ? firefox(folder, downloads, options) : chromium(folder, options));
  return {
    name,
    browser,
    downloads,
    newTab: async () => {
      const page = await browser.newPage();
      page.setDefaultTimeout(20_000);
      return name === 'firefox' ? new Tab(page, null) : new Tab(page, await chromiumSession(page, downloads, options));
    },
    close: async () => {
      const child = browser.process();
      await Promise.race([browser.close().catch(() => undefined), sleep(8000)]);
      if (child?.exitCode === null) child.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    },
  };
}

function firefox(folder: string, downloads: string, options: LaunchOptions): Promise<Browser> {
  return puppeteer.launch({
    browser: 'firefox',
    executablePath: FIREFOX,
    headless: true,
    userDataDir: path.join(folder, 'profile'),
    defaultViewport: options.viewport ?? { width: 1000, height: 800 },
    protocolTimeout: 30_000,
    timeout: 60_000,
    // Firefox's own menus can be used from outside: see `menus.ts`. Pages notice nothing of it.
    args: ['--remote-allow-system-access'],
    env: { ...process.env, HOME: folder, MOZ_CRASHREPORTER_DISABLE: '1' },
    extraPrefsFirefox: {
      ...QUIET,
      ...TOR_BROWSER,
      ...SAFEST,
      ...(options.scripts === true ? { 'javascript.enabled': true } : {}),
      'browser.download.folderList': 2,
      'browser.download.dir': downloads,
      'browser.download.useDownloadDir': true,
      'browser.download.always_ask_before_handling_new_types': false,
    },
  });
}

function chromium(folder: string, options: LaunchOptions): Promise<Browser> {
  return puppeteer.launch({
    executablePath: CHROMIUM,
    headless: true,
    userDataDir: path.join(folder, 'profile'),
    defaultViewport: options.viewport ?? { width: 1000, height: 800 },
    protocolTimeout: 30_000,
    timeout: 60_000,
    args: CHROMIUM_FLAGS,
  });
}

async function chromiumSession(page: Page, downloads: string, options: LaunchOptions): Promise<CDPSession> {
  if (options.scripts === true) await page.setBypassCSP(true);
  else await page.setJavaScriptEnabled(false);
  const session = await page.createCDPSession();
  await session.send('Browser.setDownloadBehavior', { behavior: 'allow', downloadPath: downloads });
  return session;
}

/** One tab, with the few moves that a person makes. */
export class Tab {
  readonly page: Page;
  /** Chromium's protocol; null in Firefox. */
  readonly cdp: CDPSession | null;

  constructor(page: Page, cdp: CDPSession | null) {
    this.page = page;
    this.cdp = cdp;
  }

  /** Evaluates a synchronous expression in the page. */
  async eval(expression: string): Promise<unknown> {
    return within(5000, this.page.evaluate(expression), 'eval');
  }

  /** Goes to `url` and waits until its document is parsed or `selector` is there; a stream that never ends is no bar. */
  async open(url: string, selector?: string): Promise<void> {
    const mark = `m${Math.random().toString(36).slice(2)}`;
    await this.eval(`document.documentElement.setAttribute('data-old', '${mark}')`).catch(() => undefined);
    if (this.cdp === null) void this.page.goto(url, { waitUntil: 'domcontentloaded' }).catch(() => undefined);
    else await this.cdp.send('Page.navigate', { url });
    const ready = selector === undefined ? `document.readyState !== 'loading'` : has(selector);
    await this.#poll(
      `location.href !== 'about:blank' && document.documentElement.getAttribute('data-old') !== '${mark}' && ${ready}`,
      20_000,
      `open ${url}`,
    );
  }

  async waitFor(selector: string, timeout = 15_000): Promise<void> {
    await this.#poll(has(selector), timeout, `wait for ${selector}`);
  }

  /** Waits until the expression holds; errors in between are those of a document that is just going away. */
  async waitUntil(expression: string, timeout = 15_000): Promise<void> {
    await this.#poll(expression, timeout, expression);
  }

  async text(selector: string): Promise<string | null> {
    const value = await this.eval(`document.querySelector(${JSON.stringify(selector)})?.textContent ?? null`);
    return typeof value === 'string' ? value : null;
  }

  async attribute(selector: string, name: string): Promise<string | null> {
    const value = await this.eval(
      `document.querySelector(${JSON.stringify(selector)})?.getAttribute(${JSON.stringify(name)}) ?? null`,
    );
    return typeof value === 'string' ? value : null;
  }

  /** A real press of the mouse in the middle of the element. Waits for nothing. */
  async click(selector: string): Promise<void> {
    const box = await this.box(selector);
    await this.page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
  }

  async type(selector: string, text: string): Promise<void> {
    await this.eval(`document.querySelector(${JSON.stringify(selector)}).focus()`);
    await this.page.keyboard.type(text);
  }

  async choose(selector: string, ...files: string[]): Promise<void> {
    const element = await this.page.$(selector);
    if (element === null) throw new Error(`no ${selector}`);
    await (element as unknown as { uploadFile(...paths: string[]): Promise<void> }).uploadFile(...files);
  }

  async box(selector: string): Promise<{ x: number; y: number; width: number; height: number }> {
    const json = await this.eval(
      `(() => { const e = document.querySelector(${JSON.stringify(selector)}); if (!e) return 'null';` +
        ` e.scrollIntoView({ block: 'center', behavior: 'instant' }); const r = e.getBoundingClientRect();` +
        ` return JSON.stringify({ x: r.x, y: r.y, width: r.width, height: r.height }); })()`,
    );
    const box = JSON.parse(String(json)) as { x: number; y: number; width: number; height: number } | null;
    if (box === null || box.width === 0 || box.height === 0) throw new Error(`not visible: ${selector}`);
    return box;
  }

  async shot(file: string, options: { fullPage?: boolean } = {}): Promise<void> {
    mkdirSync(path.dirname(file), { recursive: true });
    await within(20_000, this.page.screenshot({ path: file, fullPage: options.fullPage ?? false }), 'shot');
  }

  /** The window as it is now, even while the next page is on its way. */
  async glimpse(): Promise<Buffer> {
    if (this.cdp === null) return Buffer.from(await within(3000, this.page.screenshot(), 'glimpse'));
    const { data } = await within(3000, this.cdp.send('Page.captureScreenshot'), 'glimpse');
    return Buffer.from(data, 'base64');
  }

  async close(): Promise<void> {
    await Promise.race([this.page.close().catch(() => undefined), sleep(5000)]);
  }

  async #poll(expression: string, timeout: number, what: string): Promise<void> {
    const end = Date.now() + timeout;
    let last = '';
    while (Date.now() < end) {
      try {
        if ((await this.eval(`Boolean(${expression})`)) === true) return;
      } catch (error) {
        last = error instanceof Error ? error.message : String(error);
      }
      await sleep(50);
    }
    throw new Error(`timed out: ${what}${last === '' ? '' : ` (${last})`}`);
  }
}

function has(selector: string): string {
  return `document.querySelector(${JSON.stringify(selector)}) !== null`;
}

async function within<T>(milliseconds: number, promise: Promise<T>, what: string): Promise<T> {
  const ended = new AbortController();
  const late = sleep(milliseconds, undefined, { signal: ended.signal }).then(() => {
    throw new Error(`${what} took over ${milliseconds} ms`);
  });
  late.catch(() => undefined);
  try {
    return await Promise.race([promise, late]);
  } finally {
    ended.abort();
  }
}
