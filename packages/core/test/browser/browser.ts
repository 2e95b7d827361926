/**
 * A real browser for tests: one headless Chromium a test file, and its page loaded anew for each scene.
 *
 * A scene is a function that a module in `scenarios/` exports. It runs on the page, starts its workers
 * (see `site/threads.mjs`), and returns a plain object that the test looks at. The modules import what
 * ships, `dist`, as it is.
 */
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';
import { serve, type Site } from './server.ts';

/** Whether there is no browser here. The tests that need one are skipped then, and `npm test` names them. */
export const noBrowser = (process.env['MILLRACE_MISSING'] ?? '').split(',').includes('chromium');

/** Starts a browser for the tests of a file, and gives its page. */
export function useBrowser(): () => Page {
  let browser: Browser | undefined;
  let page: Page | undefined;
  beforeAll(async () => {
    if (noBrowser) return;
    browser = await chromium.launch({
      executablePath: process.env['MILLRACE_CHROMIUM'] ?? 'chromium',
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
    });
    page = await browser.newPage();
  });
  afterAll(async () => browser?.close());
  return () => {
    if (!page) throw new Error('The browser has not been started');
    return page;
  };
}

/**
 * Starts a browser and a server for the scenes that a file of tests plays.
 *
 * @returns what runs a scene of `scenarios/<module>.mjs` on the page, loaded anew, and resolves with its report.
 *   It rejects with the message of whatever goes wrong on the page or in its workers, caught or not
 */
export function useScenes(): <Report>(
  module: string,
  scene: string,
  path?: string,
) => Promise<Report> {
  const thePage = useBrowser();
  let site: Site | undefined;
  beforeAll(async () => void (site = await serve()));
  afterAll(async () => site?.close());

  return async <Report>(module: string, scene: string, path = '/') => {
    const page = thePage();
    // Ends the workers of the last scene, too.
    await page.goto(`${site?.origin}${path}`);
    const fault = faultOf(page);
    // Text, as the test runner rewrites each `import()` that it sees.
    const play = `import('/test/browser/scenarios/${module}.mjs').then((scenes) => scenes.${scene}())`;
    const report = await Promise.race([page.evaluate<Report>(play), fault]);
    // What the page has said before this answer has arrived by then.
    await Promise.race([page.evaluate('0'), fault]);
    return report;
  };
}

/** Rejects as soon as anything goes wrong, from now on, on the page that nobody there has caught. */
export function faultOf(page: Page): Promise<never> {
  for (const event of ['pageerror', 'crash', 'console']) page.removeAllListeners(event);
  const fault = new Promise<never>((_, reject) => {
    page.on('pageerror', (error) => reject(error));
    page.on('crash', () => reject(new Error('The page has crashed')));
    page.on('console', (message) => {
      const { url } = message.location();
      if (message.type() === 'error') reject(new Error(`${message.text()} (${url})`));
    });
  });
  // It may come when nobody waits for it any more.
  fault.catch(() => {});
  return fault;
}
