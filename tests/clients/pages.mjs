// Do the pages of the authorization server work in a real browser: with and without scripts, by keyboard alone, on a phone,
// in the dark, and for people who do not see them?
//
//   node pages.mjs ISSUER RESOURCE CHROMIUM     clients `desk` (public) and `tidy` (with a secret), demo people
//   PAGES_SHOTS=FOLDER                          a picture of each page is left there
import assert from 'node:assert/strict';
import http from 'node:http';
import { DESK, PHONE, Visits, decide, follow, hasFocus, heading, logIn, look, open, words } from './chromium.mjs';

const [issuer, resource, chromium] = process.argv.slice(2);

// The program that asks: whatever it is sent back with.
const came = [];
const program = http.createServer((request, response) => {
  const address = new URL(request.url, 'http://127.0.0.1');
  if (address.pathname === '/callback') came.push(address.searchParams);
  response.setHeader('content-type', 'text/html').end('<!doctype html><html lang="en"><title>Back</title><link rel="icon" href="data:,"><p>You are back.');
});
await new Promise((resolve) => program.listen(0, '127.0.0.1', resolve));
const back = `http://127.0.0.1:${program.address().port}/callback`;

function question(client, scope, others = {}) {
  return `${issuer}/authorize?${new URLSearchParams({
    response_type: 'code', client_id: client, redirect_uri: back, scope, state: 'a state', resource,
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256', ...others,
  })}`;
}

// What the last visit to the program brought.
function brought() {
  assert.ok(came.length > 0, 'nobody was sent back');
  const last = came.at(-1);
  assert.deepEqual([last.get('state'), last.get('iss')], ['a state', issuer], 'state and issuer come back');
  return last;
}

// Log in after a wrong password, and allow.
async function allows(one) {
  await open(one, question('desk', 'mcp:read mcp:tools'), 200);
  assert.equal(await heading(one.page), 'Log in');
  await hasFocus(one, 'username');
  await look(one, 'login');
  await logIn(one, 'mcp-user', 'wrong');
  assert.match(await one.page.$eval('[role=alert]', (alert) => alert.innerText), /wrong/, 'it is said what was wrong');
  assert.equal(await one.page.$eval('input[name=username]', (field) => field.value), 'mcp-user', 'the name need not be typed again');
  assert.equal(await one.page.$eval('input[name=password]', (field) => field.value), '', 'the password is gone');
  await look(one, 'wrong-password');
  await logIn(one, 'mcp-user', 'user123');
  const text = await words(one.page);
  for (const told of ['A program on a desk', 'mcp-user', resource, new URL(back).host, 'mcp:read', 'mcp:tools', 'your own machine']) {
    assert.ok(text.includes(told), `the page does not say ${told}: ${text}`);
  }
  await look(one, 'consent');
  await decide(one, 'allow');
  assert.ok(brought().get('code'), 'there is no code');
}

async function denies(one) {
  await open(one, question('desk', 'mcp:read'), 200);
  await logIn(one, 'mcp-user', 'user123');
  await decide(one, 'deny');
  assert.deepEqual([brought().get('error'), brought().get('code')], ['access_denied', null], 'a no is a no');
}

async function stepsUp(one) {
  await open(one, question('tidy', 'mcp:read'), 200);
  await logIn(one, 'mcp-user', 'user123');
  if (await one.page.$('button[value=allow]')) await decide(one, 'allow');
  await open(one, question('tidy', 'mcp:read mcp:tools'), 200);
  const asked = await one.page.$$eval('li code', (scopes) => scopes.map((scope) => scope.innerText));
  assert.deepEqual(asked, ['mcp:tools'], 'it asks for what is new');
  assert.match(await words(one.page), /allowed it already: mcp:read/, 'it says what is not');
  await look(one, 'step-up');
  await decide(one, 'deny');
}

async function goesBack(one) {
  await open(one, question('desk', 'mcp:read'), 200);
  await logIn(one, 'mcp-user', 'user123');
  await decide(one, 'allow');
  const first = brought().get('code');
  await one.page.goBack({ timeout: 15_000 });
  assert.match(await heading(one.page), /^Allow/, 'the page is there again, and is no error');
  await decide(one, 'allow');
  assert.ok(brought().get('code') && brought().get('code') !== first, 'a second yes is a second code');
  await one.page.goBack({ timeout: 15_000 });
  await one.page.goBack({ timeout: 15_000 });
  assert.match(await heading(one.page), /^(Allow|Log in)/, 'further back is no error either');
}

async function presses(one) { // twice, as people do who are used to files
  await open(one, question('desk', 'mcp:read'), 200);
  await logIn(one, 'mcp-user', 'user123');
  const before = came.length;
  await follow(one.page, () => one.page.click('button[value=allow]', { count: 2 }));
  const codes = came.slice(before).map((parameters) => parameters.get('code'));
  assert.ok(codes.length > 0 && codes.every(Boolean), `two clicks brought ${codes}`);
  assert.equal(new Set(codes).size, codes.length, 'no code is given twice');
}

// Tab and Enter are all that there is. What has the focus must show it.
async function types(one) {
  const { page } = one;
  const focused = () => page.evaluate(() => {
    const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
    return { name: document.activeElement.name || document.activeElement.value, seen: outlineStyle !== 'none' && outlineWidth !== '0px' };
  });
  await open(one, question('desk', 'mcp:read'), 200);
  await hasFocus(one, 'username');
  await page.keyboard.type('mcp-user');
  await page.keyboard.press('Tab');
  assert.deepEqual(await focused(), { name: 'password', seen: true });
  await page.keyboard.type('user123');
  await follow(page, () => page.keyboard.press('Enter'));
  const before = came.length;
  await page.keyboard.press('Enter'); // nothing has the focus, so nothing is allowed by it
  const order = [];
  for (const value of ['allow', 'deny', 'leave']) {
    await page.keyboard.press('Tab');
    assert.ok((await focused()).seen, `the focus on ${value} is not seen`);
    order.push(await page.evaluate(() => document.activeElement.value));
  }
  assert.deepEqual(order, ['allow', 'deny', 'leave'], 'Tab leads from button to button');
  assert.equal(came.length, before, 'something was decided that nobody has decided');
  await page.keyboard.down('Shift');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.up('Shift');
  await look(one, 'focus');
  await follow(page, () => page.keyboard.press('Enter'));
  assert.ok(brought().get('code'), 'Enter on the button is a yes');
}

async function leaves(one) {
  await open(one, question('desk', 'mcp:read'), 200);
  await logIn(one, 'mcp-user', 'user123');
  await decide(one, 'leave');
  assert.equal(await heading(one.page), 'Log in');
  await logIn(one, 'mcp-guest', 'guest123');
  assert.match(await words(one.page), /mcp-guest/, 'somebody else is logged in');
}

async function isLost(one) {
  await open(one, question('nobody', 'mcp:read'), 400);
  assert.equal(await heading(one.page), 'This did not work');
  await look(one, 'problem');
}

// Somebody who wonders what is here.
async function wonders(one) {
  await open(one, `${issuer}/`, 200);
  assert.match(await words(one.page), /log in/);
  await look(one, 'front');
  await follow(one.page, () => one.page.click('a'));
  assert.ok((await one.page.evaluate(() => document.body.innerText)).includes('authorization_endpoint'), 'the link leads to the metadata');
}

async function hasALongName(one) {
  await open(one, question('wordy', 'mcp:read mcp:tools mcp:prompts'), 200);
  await logIn(one, 'mcp-admin', 'admin123');
  await look(one, 'wordy');
}

const visits = await Visits.with(chromium);
for (const scripts of [true, false]) {
  for (const scenario of [allows, denies, stepsUp, goesBack, presses, types, leaves, isLost, wonders]) await visits.visit(scenario, DESK, { scripts });
}
for (const dark of [false, true]) {
  for (const scenario of [allows, stepsUp, types, isLost, wonders, hasALongName]) await visits.visit(scenario, PHONE, { dark });
}
await visits.visit(allows, DESK, { dark: true });
const status = await visits.end();
program.close();
process.exit(status);
