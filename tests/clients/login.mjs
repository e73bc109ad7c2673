// Can somebody log in with the official TypeScript clients, from the bare URL of a server to a tool, and stay logged in?
//
//   node login.mjs LINE ERA URL       LINE 2 (@modelcontextprotocol/client) or 1 (@modelcontextprotocol/sdk)
//                                     ERA  modern or legacy; line 1 speaks legacy only
//   environment as in login.py
//
// Line 1 refreshes where it should step up, if it may refresh at all: so it steps up as a client that may not, and stays at what
// it got first as one that may (MCP_EXPECT=refresh). It asks for the scope of the challenge alone, and so for one at a time.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';

const [line, era, url] = process.argv.slice(2);
const { MCP_CLIENT_METADATA_URL: document, MCP_CLIENT_ID: clientId, MCP_CLIENT_SECRET: clientSecret, MCP_EXPECT: expected,
  MCP_ASKED: atOnce, LOGIN_PERSON: person = 'mcp-admin' } = process.env;
const how = document ? 'CIMD' : clientId ? 'known beforehand' : 'DCR';
const refreshes = line === '2' || expected === 'refresh';
const redirectUrl = 'http://127.0.0.1:33418/callback';

const sdk = line === '2'
  ? await import('@modelcontextprotocol/client')
  : { ...await import('@modelcontextprotocol/sdk/client/index.js'),
      ...await import('@modelcontextprotocol/sdk/client/streamableHttp.js'),
      ...await import('@modelcontextprotocol/sdk/client/auth.js') };

const asked = []; // what the person was asked for, each time
const paths = []; // what was sent to the authorization server
let answer; // what the browser brought back, not yet used

// What the client keeps, and how it opens the browser.
const kept = { client: clientId && { client_id: clientId, client_secret: clientSecret, issuer: process.env.MCP_ISSUER } };
const authProvider = {
  redirectUrl,
  clientMetadataUrl: document,
  clientMetadata: { client_name: 'The TypeScript client', redirect_uris: [redirectUrl], token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', ...(refreshes ? ['refresh_token'] : [])], application_type: 'native' },
  state: () => crypto.randomUUID(),
  clientInformation: () => kept.client,
  saveClientInformation: (client) => { kept.client = client; },
  tokens: () => kept.tokens,
  saveTokens: (tokens) => { kept.tokens = tokens; },
  codeVerifier: () => kept.verifier,
  saveCodeVerifier: (verifier) => { kept.verifier = verifier; },
  discoveryState: () => kept.discovery,
  saveDiscoveryState: (discovery) => { kept.discovery = discovery; },
  redirectToAuthorization: (address) => {
    asked.push(Object.fromEntries(address.searchParams));
    const back = execFileSync(process.env.BROWSER, [String(address)], { env: { ...process.env, LOGIN_PRINT: 'yes' }, encoding: 'utf8' });
    answer = new URL(back.trim()).searchParams;
    assert.equal(answer.get('state'), address.searchParams.get('state'), 'the state that came back');
    assert.equal(answer.get('iss'), process.env.MCP_ISSUER, 'the issuer that answers, be it yes or no'); // line 1 does not look
  },
};

async function tracingFetch(input, init = {}) {
  const address = new URL(input);
  if (init.method === 'POST' && address.origin !== new URL(url).origin) {
    const grant = address.pathname.endsWith('/token') ? new URLSearchParams(init.body).get('grant_type') : '';
    paths.push(`${address.pathname} ${grant}`.trim());
  }
  return fetch(input, init);
}

async function connected() {
  const transport = new sdk.StreamableHTTPClientTransport(new URL(url), { authProvider, fetch: tracingFetch });
  const options = era === 'modern' ? { versionNegotiation: { mode: { pin: '2026-07-28' } } } : {};
  const client = new sdk.Client({ name: 'login', version: '1' }, options);
  return { transport, client, connect: () => client.connect(transport) };
}

// Runs something; where the client has sent somebody to log in, it is told what came back, and tries once more.
async function withLogin(run) {
  for (let tries = 0; ; tries += 1) {
    try {
      return await run();
    } catch (error) {
      if (!answer || tries === 2) throw error;
      const came = answer;
      answer = undefined;
      if (line === '1' && came.has('error')) throw error; // it takes a code and nothing else
      await session.transport.finishAuth(line === '2' ? came : came.get('code'));
      session = await connected();
      await session.connect();
    }
  }
}

let session = await connected();
const steps = atOnce ? [atOnce.split(' ').toSorted()] : line === '2'
  ? [['mcp:read'], ['mcp:read', 'mcp:tools'], ['mcp:prompts', 'mcp:read', 'mcp:tools']]
  : refreshes ? [['mcp:read']] : [['mcp:read'], ['mcp:tools'], ['mcp:prompts']];
const ours = (scopes) => scopes.filter((scope) => scope.startsWith('mcp:')).toSorted(); // an issuer may have others
const whoami = async () => (await withLogin(() => session.client.callTool({ name: 'whoami', arguments: {} }))).structuredContent;

async function tour() {
  await withLogin(async () => { if (!session.client.getServerVersion()) await session.connect(); });
  const { tools } = await withLogin(() => session.client.listTools());
  assert.ok(tools.some(({ name }) => name === 'whoami'), 'tools/list does not have whoami');
  if (atOnce || steps.length === 3) {
    const who = await whoami();
    assert.ok([who.subject, who.name].includes(person), `whoami says ${JSON.stringify(who)}`);
    assert.deepEqual(ours(who.scopes), steps[1] ?? steps[0], 'the scopes that whoami knows');
    assert.equal((await withLogin(() => session.client.getPrompt({ name: 'help' }))).messages.length, 1, 'the prompt help');
  }
  assert.deepEqual(asked.map(({ scope }) => ours(scope.split(' '))), steps, 'what the person is asked for, each time');
  assert.deepEqual([...new Set(asked.map((request) => request.client_id))], [document ?? clientId ?? kept.client.client_id], 'its id');
  assert.ok(asked.every(({ resource }) => resource === url), 'the resource');
  assert.equal(paths.some((path) => path.includes('regist')), how === 'DCR', `it registered itself, or did not: ${paths}`);
}

// Waits until the server says that the access token is good for nothing, and goes on.
async function refreshed() {
  const old = kept.tokens.access_token;
  const end = Date.now() + 30_000;
  while ((await fetch(url, { method: 'POST', headers: { authorization: `Bearer ${old}` } })).status !== 401) {
    assert.ok(Date.now() < end, 'the access token does not end');
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  if (line === '2') assert.ok((await whoami()).subject, 'whoami after the access token had ended');
  else assert.ok((await session.client.listTools()).tools.length > 0, 'tools/list after the access token had ended');
  assert.ok(paths.some((path) => path.endsWith('/token refresh_token')) && asked.length === steps.length, `the token was not refreshed: ${paths}`);
  assert.notEqual(kept.tokens.access_token, old, 'the access token is the old one');
}

if (expected === 'denied') {
  const told = (error) => { // an error of the client's, which has what the server said
    assert.match(`${error.code ?? ''} ${error.constructor.name}`, line === '2' ? /^access_denied / : / UnauthorizedError$/, String(error));
    return true;
  };
  await assert.rejects(tour(), told, 'the person said no, and was not heard');
  assert.equal(kept.tokens, undefined, 'there are tokens');
} else {
  await tour();
  if (expected === 'refresh') await refreshed();
}
await session.client.close();
console.log(`ok: TypeScript client ${line}.x, ${era}, ${how}${expected ? `, ${expected}` : ''}`);
