// Does a person get from a link to a tool in a real browser, by our command and in the page of the Inspector?
//
//   RESOURCE=… AUDIENCE=… ISSUER=… KIND=own|keycloak PAGE=… ORIGIN_PORT=… LOGINS=FOLDER OURS=… CHROMIUM=… node logins.mjs
//   AUDIENCE: whom the issuer makes tokens for, if not for RESOURCE
//   PAGE: that of an Inspector which is for RESOURCE and has no token yet; ORIGIN_PORT: of 127.0.0.1, pages from there may call
//   PAGES_SHOTS=FOLDER: pictures
import assert from 'node:assert/strict';
import { mkdtemp } from 'node:fs/promises';
import { DESK, PHONE, Visits, decide, follow, heading, logIn, look, open, picture, words } from './chromium.mjs';
import { Command } from './command.mjs';
import { call, connect, saysText, stepUp } from './inspector_page.mjs';
import { begin, finish, origin } from './page_client.mjs';

const { RESOURCE, AUDIENCE, ISSUER, KIND, PAGE, ORIGIN_PORT, LOGINS, OURS, CHROMIUM } = process.env;

// What our own pages say; axe finds nothing to mend in them.
const own = {
  async logIn(one, name, password, by) {
    assert.equal(await heading(one.page), 'Log in');
    await look(one, `own-${by}-login`);
    await logIn(one, name, password);
  },
  async decide(one, decision, client, scopes, by) {
    assert.equal(await heading(one.page), `Allow “${client}” access?`);
    const asked = await one.page.$$eval('li code', (all) => all.map((scope) => scope.innerText));
    assert.deepEqual(asked, scopes, 'what it asks for');
    await look(one, `own-${by}-consent`);
    await decide(one, decision);
  },
};

// Keycloak's are as they are.
const keycloak = {
  async logIn(one, name, password, by) {
    await picture(one, `keycloak-${by}-login`);
    await one.page.type('#username', name);
    await one.page.type('#password', password);
    await follow(one.page, () => one.page.click('#kc-login'));
  },
  async decide(one, decision, client, _scopes, by) {
    const text = await one.page.evaluate(() => document.body.innerText);
    for (const told of [client, 'Use its tools']) assert.ok(text.includes(told), `the page does not say ${told}: ${text}`);
    await picture(one, `keycloak-${by}-consent`);
    await follow(one.page, () => one.page.click(decision === 'allow' ? '[name=accept]' : '[name=cancel]'));
  },
};

const there = { own, keycloak }[KIND];
const stepsUp = KIND === 'own'; // at Keycloak a client gets all that it will ever get at once
const first = ['mcp:read'];

// Our command, with the logins of this folder; whatever becomes of the visit, it ends.
async function withCommand(folder, commandWords, visit) {
  const command = new Command(OURS, folder, ...commandWords);
  try {
    return await visit(command);
  } finally {
    command.stop();
  }
}

const trusts = AUDIENCE ? ['--audience', AUDIENCE] : [];

// The link that the command prints is opened; the person logs in, and decides.
const goes = (one, folder, decision) => withCommand(folder, ['login', RESOURCE, '--no-browser', ...trusts], async (command) => {
  await open(one, await command.link(), 200);
  await there.logIn(one, 'mcp-user', 'user123', 'command');
  await there.decide(one, decision, 'mcp-auth', first, 'command');
  assert.equal(new URL(one.page.url()).pathname, '/callback', 'the browser is brought back');
  return command.ended;
});

async function logsInByCommand(one) {
  const folder = await mkdtemp(`${LOGINS}/logins-`);
  const { status, out, err } = await goes(one, folder, 'allow');
  assert.deepEqual([status, out.split(/\s+/)[3]], [0, RESOURCE], out + err);
  assert.match(out, /^logged in at /, 'the command says so');
  assert.match(await words(one.page), /You can close this page/, 'and the page, that it is done');
  await look(one, `${KIND}-command-done`);
  const called = await withCommand(folder, ['call', RESOURCE, '--yes', '--no-browser', 'tools', 'call', 'whoami'], async (command) => {
    if (stepsUp) {
      await open(one, await command.link(), 200);
      await own.decide(one, 'allow', 'mcp-auth', ['mcp:read', 'mcp:tools'], 'command-step-up');
    }
    return command.ended;
  });
  assert.equal(called.status, 0, called.err);
  assert.match(called.out, /^mcp-user, scopes/m, 'the tool knows the person by name');
}

async function deniesTheCommand(one) {
  const folder = await mkdtemp(`${LOGINS}/logins-`);
  const { status, out, err } = await goes(one, folder, 'deny');
  assert.equal(status, 3, out + err);
  assert.match(err, /denied|said no/, 'the command says why');
  assert.equal(await heading(one.page), 'This did not work');
  assert.match(await words(one.page), /The terminal says why/);
  await look(one, `${KIND}-command-denied`);
  await withCommand(folder, ['call', RESOURCE, 'tools', 'list'], async (command) => assert.equal((await command.ended).status, 3, 'nothing is kept'));
}

const isInspector = (page) => assert.equal(new URL(page.url()).origin, new URL(PAGE).origin, 'the browser is brought back');

async function deniesTheInspector(one) {
  await connect(one, PAGE);
  await there.logIn(one, 'mcp-user', 'user123', 'inspector');
  await there.decide(one, 'deny', 'MCP Inspector', first, 'inspector');
  isInspector(one.page);
  await saysText(one.page, 'access_denied');
  await picture(one, `${KIND}-inspector-denied`);
}

async function logsInByInspector(one) {
  await connect(one, PAGE);
  await there.logIn(one, 'mcp-user', 'user123', 'inspector');
  await there.decide(one, 'allow', 'MCP Inspector', first, 'inspector');
  isInspector(one.page);
  await saysText(one.page, 'Connected');
  await picture(one, `${KIND}-inspector-connected`);
  await call(one, 'whoami');
  if (stepsUp) {
    await stepUp(one, 'mcp:tools');
    await own.decide(one, 'allow', 'MCP Inspector', ['mcp:read', 'mcp:tools'], 'inspector-step-up');
    isInspector(one.page);
    await saysText(one.page, 'Retry your action');
    await call(one, 'whoami');
  }
  await saysText(one.page, 'mcp-user');
  await picture(one, `${KIND}-inspector-called`);
}

// The Inspector's page asks a program on this machine to ask for it. Some clients are a page and nothing else.
async function logsInByAPageAlone(one) {
  const here = await origin(Number(ORIGIN_PORT));
  const verifier = 'a verifier of a page, which is as long as one has to be'.replaceAll(/[ ,]/g, '-');
  try {
    await open(one, here.name, 200);
    const begun = await begin(one, RESOURCE, here.redirect, verifier);
    await open(one, begun.link, 200);
    await there.logIn(one, 'mcp-user', 'user123', 'page');
    await there.decide(one, 'allow', 'A page', ['mcp:read', 'mcp:tools'], 'page');
    assert.ok(one.page.url().startsWith(`${here.redirect}?`), 'the browser is brought back');
    assert.match(await finish(one, RESOURCE, here.redirect, verifier, begun), /mcp-user/, 'the tool knows the person');
  } finally {
    here.close();
  }
}

const visits = await Visits.with(CHROMIUM);
// the pages of this repository, and where the command listens
const minds = (address) =>
  (KIND === 'own' && address.startsWith(ISSUER)) || new URL(address).pathname === '/callback';
await visits.visit(logsInByCommand, DESK, { minds });
await visits.visit(logsInByCommand, DESK, { minds, dark: true });
await visits.visit(logsInByCommand, PHONE, { minds });
await visits.visit(logsInByCommand, PHONE, { minds, dark: true });
await visits.visit(deniesTheCommand, DESK, { minds });
await visits.visit(deniesTheInspector, DESK, { minds });
await visits.visit(logsInByInspector, DESK, { minds });
if (KIND === 'own') await visits.visit(logsInByAPageAlone, DESK, { minds }); // Keycloak lets pages register that the realm names, by their ports
process.exit(await visits.end());
