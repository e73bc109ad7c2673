// Who sits at the browser? Somebody with a Chromium of his own, on a desk or with a phone, and what he sees and complains about.
import assert from 'node:assert/strict';
import axe from 'axe-core';
import puppeteer from 'puppeteer-core';

export const PHONE = { width: 320, height: 640 };
export const DESK = { width: 1280, height: 800 };
const shots = process.env.PAGES_SHOTS;

export const words = (page) => page.$eval('main', (main) => main.innerText);
export const heading = (page) => page.$eval('h1', (h1) => h1.innerText);
export const follow = (page, act) => Promise.all([page.waitForNavigation({ timeout: 15_000 }), act()]);

export async function open({ page }, address, expected) {
  const response = await page.goto(address, { timeout: 15_000 });
  assert.equal(response.status(), expected, `${address} is a ${response.status()}`);
}

// Waits until this field has the focus, which a page gives it a moment after it is there.
export async function hasFocus({ page }, name) {
  const end = Date.now() + 5_000;
  while (await page.evaluate(() => document.activeElement.name) !== name) assert.ok(Date.now() < end, `${name} does not get the focus`);
}

export async function logIn({ page }, name, password) {
  await page.$eval('input[name=username]', (field) => field.select());
  await page.type('input[name=username]', name);
  await page.type('input[name=password]', password);
  await follow(page, () => page.click('button'));
}

export const decide = ({ page }, decision) => follow(page, () => page.click(`button[value=${decision}]`));

export async function picture({ page, how }, name) {
  if (shots) await page.screenshot({ path: `${shots}/${name}-${how}.png`, fullPage: true });
}

// Takes a picture; nothing is cut off at the right; axe finds nothing to mend.
export async function look(one, name) {
  const { page, scripts } = one;
  await picture(one, name);
  const [wide, view] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  assert.ok(wide <= view, `${name}: ${wide} pixels wide on a screen of ${view}`);
  if (!scripts) return; // axe is one
  await page.evaluate(axe.source);
  const { violations, passes } = await page.evaluate(() => globalThis.axe.run({ resultTypes: ['violations'] }));
  assert.ok(passes.length > 10, `${name}: axe has looked at nothing`);
  const found = violations.map(({ id, help, nodes }) => `${id} (${help}): ${nodes.map(({ html }) => html).join(' ')}`);
  assert.deepEqual(found, [], `${name}: axe finds something`);
}

// An answer of 4xx is an answer here, and no complaint.
const isComplaint = (text) => !/^Failed to load resource: the server responded with a status of 4/.test(text);

// A Chromium, the visits that are made with it, and how they went.
export class Visits {
  #browser;
  #ran = 0;
  #failed = 0;

  static async with(executablePath) {
    const visits = new Visits();
    visits.#browser = await puppeteer.launch({ executablePath, args: ['--no-sandbox'], protocolTimeout: 30_000 }); // root has no sandbox
    return visits;
  }

  // Somebody at a browser of his own. What the browser complains about is kept: a page must give it no reason.
  async #somebody(view, { scripts = true, dark = false }) {
    const context = await this.#browser.createBrowserContext();
    const page = await context.newPage();
    const complaints = [];
    page.on('console', (message) => complaints.push([message.text(), message.location().url ?? page.url()]));
    page.on('pageerror', (error) => complaints.push([String(error), page.url()]));
    page.on('requestfailed', (request) => complaints.push([request.failure().errorText, request.url()]));
    await page.setViewport(view);
    await page.setJavaScriptEnabled(scripts);
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }]);
    const how = `${view.width}${dark ? '-dark' : ''}${scripts ? '' : '-no-scripts'}`;
    return { context, page, complaints, how, scripts };
  }

  // `minds(address)`: is that a page or a request that has to be without reproach?
  async visit(scenario, view, { minds = () => true, ...options } = {}) {
    this.#ran += 1;
    const one = await this.#somebody(view, options);
    try {
      await scenario(one);
      const complaints = one.complaints.filter(([text, address]) => isComplaint(text) && minds(address));
      assert.deepEqual(complaints, [], 'the browser complains');
    } catch (error) {
      this.#failed += 1;
      await picture(one, 'failed').catch(() => {});
      console.log(`FAILED: ${scenario.name}, ${one.how}: ${error.message}\n  at ${one.page.url()}`);
    }
    await one.context.close();
  }

  // The exit status.
  async end() {
    await this.#browser.close();
    console.log(this.#failed === 0 ? `${this.#ran} visits of a browser, all ok` : `${this.#failed} of ${this.#ran} visits FAILED`);
    return this.#failed === 0 ? 0 : 1;
  }
}
