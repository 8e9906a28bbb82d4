/**
 * What people do with the menus of the browser itself: reload a page that answered a form, view its source, save it. In
 * Firefox by the very functions that the menus call, over the `moz:scope` of WebDriver BiDi; in Chromium, which has no
 * such door, by the protocol's nearest command.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Driven, Tab } from './browser.js';
import { savedFile } from './stage.js';

interface Connection {
  send(method: string, params: object): Promise<{ readonly result: unknown }>;
}

/** Runs the body of an asynchronous function in the scope of Firefox' window (Services, gBrowser). */
export async function inFirefox(driven: Driven, body: string, ...args: readonly unknown[]): Promise<unknown> {
  const { connection } = driven.browser as unknown as { readonly connection: Connection };
  const { result: tree } = await connection.send('browsingContext.getTree', { 'moz:scope': 'chrome' });
  const { contexts } = tree as { readonly contexts: readonly { readonly context: string; readonly url: string }[] };
  const context = contexts.find(({ url }) => url.includes('browser.xhtml'))?.context;
  const { result } = await connection.send('script.callFunction', {
    functionDeclaration: `async (json) => JSON.stringify((await (async (...args) => { ${body} })(...JSON.parse(json))) ?? null)`,
    arguments: [{ type: 'string', value: JSON.stringify(args) }],
    target: { context },
    awaitPromise: true,
  });
  const answer = result as { type: string; result?: { value: string }; exceptionDetails?: { text: string } };
  if (answer.type === 'exception') throw new Error(answer.exceptionDetails?.text ?? 'exception');
  return JSON.parse(answer.result?.value ?? 'null');
}

/** Reloads, and says yes where the browser asks whether the form shall be sent again. Waits for the new document. */
export async function reload(driven: Driven, tab: Tab): Promise<void> {
  await tab.eval(`document.documentElement.setAttribute('data-old', '1')`);
  if (tab.cdp !== null) await tab.cdp.send('Page.reload');
  else {
    await inFirefox(driven, 'gBrowser.selectedBrowser.reload()');
    for (let tries = 0; tries < 100 && (await inFirefox(driven, SAY_YES)) === 0; tries++) await sleep(100);
  }
  await tab.waitUntil(`document.documentElement.dataset.old === undefined && document.querySelector('h1') !== null`);
}

/** Answers the question that stands over the page; 0 where there is none yet. */
const SAY_YES = `
  const { _dialogs } = gBrowser.getTabDialogBox(gBrowser.selectedBrowser).getContentDialogManager();
  const dialog = _dialogs[0]?._frame.contentDocument?.querySelector('dialog');
  if (!dialog?._buttons?.accept) return 0;
  dialog.acceptDialog();
  return 1;`;

export async function goBack(driven: Driven, tab: Tab): Promise<void> {
  if (tab.cdp === null) await inFirefox(driven, 'gBrowser.goBack()');
  else {
    const { entries, currentIndex } = await tab.cdp.send('Page.getNavigationHistory');
    await tab.cdp.send('Page.navigateToHistoryEntry', { entryId: entries[currentIndex - 1]?.id ?? 0 });
  }
  await sleep(700);
}

/** What "view page source" shows. */
export async function viewSource(driven: Driven, tab: Tab): Promise<string> {
  if (tab.cdp !== null) {
    await tab.cdp.send('Page.navigate', { url: `view-source:${tab.page.url()}` });
    await tab.waitUntil(`document.body.textContent.includes('<h1>')`);
    return String(await tab.eval('document.body.textContent'));
  }
  await inFirefox(driven, 'BrowserCommands.viewSource(gBrowser.selectedBrowser)');
  let source = '';
  for (let tries = 0; tries < 100 && !source.includes('<h1>'); tries++) {
    await sleep(100);
    const shown = (await driven.browser.pages()).at(-1);
    source = String(await shown?.evaluate('document.body?.textContent ?? ""').catch(() => ''));
  }
  await (await driven.browser.pages()).at(-1)?.close();
  await tab.page.bringToFront();
  return source;
}

/** "Save page as". Chromium without a screen has no such dialog: there it is the snapshot that the dialog would write. */
export async function savePage(driven: Driven, tab: Tab): Promise<string> {
  if (tab.cdp !== null) {
    const { data } = await tab.cdp.send('Page.captureSnapshot');
    // Quoted-printable: a line that goes on ends in "=", and "=" itself is "=3D".
    return data.replace(/=\r\n/g, '').replaceAll('=3D', '=');
  }
  const page = await firefoxSaves(driven, 'saveBrowser(gBrowser.selectedBrowser, false)', /\.html$/);
  return page.toString('latin1');
}

/** "Save image as" on the first picture. In Chromium: the bytes that it holds for that picture. */
export async function savePicture(driven: Driven, tab: Tab): Promise<Buffer> {
  const address = (await tab.attribute('figure img', 'src')) ?? '';
  if (tab.cdp !== null) return Buffer.from(address.slice(address.indexOf(',') + 1), 'base64');
  return firefoxSaves(
    driven,
    `internalSave(args[1], null, null, null, null, 'image/jpeg', false, 'SaveImageTitle', null, null, null, null, false, null,
      gBrowser.selectedBrowser.browsingContext.usePrivateBrowsing, gBrowser.contentPrincipal)`,
    /\.jpe?g$/,
    address,
  );
}

/** Runs a command that asks where to save, and answers: into the folder of downloads. */
async function firefoxSaves(
  driven: Driven,
  command: string,
  name: RegExp,
  ...args: readonly string[]
): Promise<Buffer> {
  await inFirefox(driven, `${ANSWER_PICKERS}; ${command}`, driven.downloads, ...args);
  return savedFile(driven, name);
}

const ANSWER_PICKERS = `
  const file = (name) => { const f = Cc['@mozilla.org/file/local;1'].createInstance(Ci.nsIFile); f.initWithPath(args[0] + '/' + name); return f; };
  const picker = () => ({
    QueryInterface: ChromeUtils.generateQI(['nsIFilePicker']),
    init() {}, appendFilters() {}, appendFilter() {}, appendRawFilter() {},
    defaultString: '', defaultExtension: '', filterIndex: 0, displayDirectory: null, displaySpecialDirectory: '',
    addToRecentDocs: false, okButtonLabel: '', capture: 0, mode: 1, files: null,
    get file() { return file(this.defaultString); },
    get fileURL() { return Services.io.newFileURI(this.file); },
    open(then) { Services.tm.dispatchToMainThread(() => then.done(Ci.nsIFilePicker.returnOK)); },
  });
  Components.manager.QueryInterface(Ci.nsIComponentRegistrar).registerFactory(
    Services.uuid.generateUUID(), 'picker', '@mozilla.org/filepicker;1',
    { createInstance: (iid) => picker().QueryInterface(iid), QueryInterface: ChromeUtils.generateQI(['nsIFactory']) })`;
