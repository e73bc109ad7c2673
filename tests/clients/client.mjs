// Can the official TypeScript clients use this server?
//
//   node client.mjs LINE ERA URL       LINE 2 (@modelcontextprotocol/client) or 1 (@modelcontextprotocol/sdk)
//                                      ERA  modern or legacy; line 1 speaks legacy only
//   MCP_TOKEN=…                        a token to send
//   MCP_CLIENT_ID=… MCP_CLIENT_SECRET=… MCP_ISSUER=…   find the way to a token, and step up, by itself
//   MCP_SCOPE="SCOPE …"                what to ask for; without it the client decides
//   MCP_EXPECT=refused                 the server must send us away with 401
//   MCP_EXPECT=whoami                  the tool whoami must be there too
//   MCP_EXPECT=program                 only whoami, which must name the client that MCP_CLIENT_ID says
import assert from 'node:assert/strict';

const [line, era, url] = process.argv.slice(2);
const { MCP_TOKEN: token, MCP_CLIENT_ID: clientId, MCP_CLIENT_SECRET: clientSecret, MCP_SCOPE: scope, MCP_EXPECT: expected } = process.env;

const sdk = line === '2'
  ? await import('@modelcontextprotocol/client')
  : { ...await import('@modelcontextprotocol/sdk/client/index.js'),
      ...await import('@modelcontextprotocol/sdk/client/streamableHttp.js'),
      ...await import('@modelcontextprotocol/sdk/client/auth-extensions.js') };

// What went over the wire, for the checks at the end.
const refusals = [];
const scopesAsked = [];
const versions = new Set();
async function tracingFetch(input, init = {}) {
  const headers = new Headers(init.headers);
  // documents about the server are asked for with a version of the client's own
  if (String(input) === url && headers.has('mcp-protocol-version')) versions.add(headers.get('mcp-protocol-version'));
  if (String(input).endsWith('/token')) scopesAsked.push(new URLSearchParams(init.body).get('scope'));
  const response = await fetch(input, init);
  const challenge = response.headers.get('www-authenticate');
  if (challenge) refusals.push({ status: response.status, challenge });
  return response;
}

const authProvider = clientId
  ? new sdk.ClientCredentialsProvider({ clientId, clientSecret, scope, expectedIssuer: process.env.MCP_ISSUER })
  : undefined;
const requestInit = token ? { headers: { Authorization: `Bearer ${token}` } } : undefined;
const transport = new sdk.StreamableHTTPClientTransport(new URL(url), { authProvider, requestInit, fetch: tracingFetch });
const version = era === 'modern' ? '2026-07-28' : '2025-11-25';
const client = new sdk.Client(
  { name: 'tour', version: '1' },
  era === 'modern' ? { versionNegotiation: { mode: { pin: version } } } : {},
);

const names = (list) => list.map(({ name }) => name);
const words = (result) => result.content.map(({ text }) => text).join('');

if (expected === 'refused') {
  await assert.rejects(tour(), 'a caller whom nobody knows was served');
  assert.ok(refusals.length > 0, 'there was no refusal with a challenge');
  for (const { status, challenge } of refusals) {
    assert.equal(status, 401, `the refusal is ${status}, not 401`);
    assert.match(challenge, /^Bearer .*resource_metadata="http/, 'the challenge does not say where to get a token');
  }
} else {
  await tour();
  if (clientId) steppedUp();
}
await client.close();
console.log(`ok: TypeScript client ${line}.x, ${era}${clientId ? ', client credentials' : token ? ', token' : ''}${expected === 'refused' ? ', refused' : ''}`);

// In its own name, as somebody who may call tools and nothing else.
async function program() {
  const who = (await client.callTool({ name: 'whoami', arguments: {} })).structuredContent;
  assert.equal(who.client, clientId, 'the client that whoami names');
}

async function tour() {
  await client.connect(transport);
  if (expected === 'program') return program();
  const tools = names((await client.listTools()).tools);
  for (const tool of ['echo', 'get_time', ...(expected === 'whoami' ? ['whoami'] : [])]) {
    assert.ok(tools.includes(tool), `tools/list does not have ${tool}: ${tools}`);
  }
  assert.deepEqual(names((await client.listPrompts()).prompts), ['greeting', 'help'], 'prompts/list');

  const echoed = await client.callTool({ name: 'echo', arguments: { message: 'hé', repeat_count: 2 } });
  assert.deepEqual([words(echoed), echoed.structuredContent, Boolean(echoed.isError)], ['héhé', { text: 'héhé' }, false], 'echo');
  const time = await client.callTool({ name: 'get_time', arguments: { timezone: 'Asia/Kathmandu' } });
  assert.match(words(time), /^\d{4}-\d\d-\d\dT.*\+05:45$/, 'get_time');
  const greeting = await client.getPrompt({ name: 'greeting', arguments: { name: 'Ada' } });
  assert.match(greeting.messages[0].content.text, /Ada/, 'the prompt greeting');
  assert.equal((await client.getPrompt({ name: 'help' })).messages.length, 1, 'the prompt help');

  const refused = await client.callTool({ name: 'echo', arguments: { message: 'x', repeat_count: 11 } });
  assert.equal(refused.isError, true, 'a bad argument is not an error of the tool');
  assert.match(words(refused), /repeat_count.*1 to 10/, 'the error does not name the argument and what is allowed');
  await assert.rejects(client.callTool({ name: 'no_such_tool', arguments: {} }), { code: -32602 }, 'an unknown tool');
  await assert.rejects(client.getPrompt({ name: 'no_such_prompt' }), { code: -32602 }, 'an unknown prompt');
  await assert.rejects(client.getPrompt({ name: 'greeting', arguments: {} }), { code: -32602 }, 'a prompt without its argument');
  if (expected === 'whoami') {
    const who = (await client.callTool({ name: 'whoami', arguments: {} })).structuredContent;
    assert.ok(who.subject.length > 0, 'whoami does not know the subject');
    if (clientId) assert.equal(who.subject, clientId, 'the subject of a client that speaks for itself is its id');
  }
  assert.deepEqual([...versions], [version], 'versions in the headers');
}

// The client went from the bare URL to a token for mcp:read, and from each 403 to one that has the scope asked for as well.
function steppedUp() {
  assert.equal(refusals[0]?.status, 401, 'the first request was not refused with 401');
  if (scope) {
    assert.deepEqual([scopesAsked, refusals.length], [[scope], 1], 'one token with these scopes was to do for all');
    return;
  }
  if (line === '1') { // it asks for a program's token without any scope, and so for all of them
    assert.deepEqual([scopesAsked, refusals.length], [[null], 1], 'one token without a scope was to do for all');
    return;
  }
  assert.equal(scopesAsked[0], 'mcp:read', 'the first token was not asked for with the scope of the challenge');
  for (const scope of expected === 'program' ? ['mcp:tools'] : ['mcp:tools', 'mcp:prompts']) {
    const refusal = refusals.find(({ status, challenge }) => status === 403 && challenge.includes(`scope="${scope}"`));
    assert.match(refusal?.challenge ?? '', /error="insufficient_scope"/, `no 403 asked for ${scope}`);
    assert.ok(scopesAsked.some((asked) => asked?.split(' ').includes(scope)), `no token was asked for with ${scope}: ${scopesAsked}`);
  }
}
