/** One visit to an address in a fresh private window, and all that a reader or a hostile page could make of it. */
import { join } from 'node:path';
import { type Browser, type BrowserContextOptions, type Page, type Response } from 'playwright-core';
import { PROJECT_ROOT } from '../support/source-files.ts';

export interface Visit {
  readonly page: Page;
  readonly response: Response;
  /** Addresses that the document asked for, itself included. */
  readonly requests: readonly string[];
  /** Errors and warnings on the console, exceptions, violations of the Content-Security-Policy. */
  readonly complaints: readonly string[];
  /** alert(), confirm(), prompt(), and questions before leaving. */
  readonly dialogs: readonly string[];
  close(): Promise<void>;
}

/** Devices by the size of their window; `isMobile` heeds the page's own viewport element. */
export const DEVICES = {
  phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true },
  desktop: { viewport: { width: 1100, height: 900 } },
  /** WCAG 2.2, 1.4.10: no scrolling in two directions at 320 CSS pixels. */
  narrow: { viewport: { width: 320, height: 640 }, isMobile: true, hasTouch: true },
} as const satisfies Record<string, BrowserContextOptions>;

/** Opens an address. Errors: rejects when there is no answer, with Chromium's own word (net::ERR_...). */
export async function visit(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const requests: string[] = [];
  const complaints: string[] = [];
  const dialogs: string[] = [];
  page.on('request', (request) => requests.push(request.url()));
  page.on('console', (message) => {
    if (!isAboutStatus(message.text())) complaints.push(`${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('dialog', (dialog) => {
    dialogs.push(dialog.message());
    void dialog.dismiss();
  });
  try {
    const response = await page.goto(url);
    if (response === null) throw new Error(`${url}: no response`);
    return { page, response, requests, complaints, dialogs, close: () => context.close() };
  } catch (error) {
    await context.close();
    throw error;
  }
}

/** The whole page as a picture for the documents, where WEIR_SCREENSHOTS says into which folder. */
export async function takePicture({ page }: Visit, name: string | undefined): Promise<void> {
  const folder = process.env['WEIR_SCREENSHOTS'];
  if (folder === undefined || name === undefined) return;
  await page.screenshot({ path: join(PROJECT_ROOT, folder, `warning-page-${name}.png`), fullPage: true });
}

/** Why: Chromium writes a line on the console for every answer from 400 on, those of the page too. */
function isAboutStatus(text: string): boolean {
  return /^Failed to load resource: the server responded with a status of (?:451|404|405|422) /.test(text);
}
