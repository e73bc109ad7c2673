// How does somebody use the page of the official Inspector? With what is written on it.
import { follow } from './chromium.mjs';

const LIMIT = { timeout: 20_000 };
const button = (page, words) => page.waitForSelector(`::-p-xpath(//button[normalize-space()="${words}"])`, { ...LIMIT, visible: true });

// A click that does not ask what is above: notes come and go there.
const press = async (element) => (await element).evaluate((one) => one.click());

export const saysText = (page, text) => page.waitForFunction((wanted) => document.body.innerText.includes(wanted), LIMIT, text);

// Opens the page and asks for the server that it is there for; the browser is led to the place to log in.
export async function connect({ page }, address) {
  await Promise.all([page.waitForResponse((answer) => new URL(answer.url()).pathname === '/api/config', LIMIT), page.goto(address, LIMIT)]);
  const toggle = page.waitForSelector('input[role=switch]', LIMIT);
  await saysText(page, 'Disconnected');
  await follow(page, () => press(toggle));
}

// Asks for the tools, and calls this one, which needs no arguments.
export async function call({ page }, name) {
  await press(page.waitForSelector('input[type=radio][value=Tools]', LIMIT));
  await press(page.waitForSelector(`::-p-xpath(//button[contains(., "${name}")])`, LIMIT));
  await press(button(page, 'Execute Tool'));
}

// It says that more scope is needed, and leads there again.
export async function stepUp({ page }, scope) {
  await saysText(page, `This operation needs additional scope: ${scope}`);
  await follow(page, () => press(button(page, 'Authorize')));
}
