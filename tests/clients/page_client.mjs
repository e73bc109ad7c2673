// Can a page be a client by itself, without a program on the machine that asks for it? Then the browser asks both servers
// whether a page of another origin may (CORS), and what it may read of their answers.
import http from 'node:http';

// A page with nothing on it, at an origin of its own: `redirect` is where a login comes back to.
export async function origin(port = 0) {
  const server = http.createServer((_request, response) => {
    response.setHeader('content-type', 'text/html').end('<!doctype html><html lang="en"><title>A client</title><link rel="icon" href="data:,"><h1>A client');
  });
  await new Promise((resolve, reject) => server.on('error', reject).listen(port, '127.0.0.1', resolve));
  const name = `http://127.0.0.1:${server.address().port}`;
  return { name, redirect: `${name}/callback`, close: () => server.close() };
}

// In the page: from the URL of the server to the link where the person logs in.
export const begin = ({ page }, resource, redirect, verifier) => page.evaluate(async ({ resource, redirect, verifier }) => {
  const asked = { 'mcp-protocol-version': '2025-11-25' };
  const refused = await fetch(resource, { method: 'POST', headers: { ...asked, 'content-type': 'application/json' }, body: '{}' });
  const challenge = refused.headers.get('www-authenticate'); // only what is exposed is there
  if (refused.status !== 401 || !challenge) throw new Error(`a page cannot read the challenge: ${refused.status} ${challenge}`);
  const metadata = await (await fetch(challenge.match(/resource_metadata="([^"]*)"/)[1], { headers: asked })).json();
  const [issuer] = metadata.authorization_servers;
  const { origin, pathname } = new URL(issuer);
  const known = `${origin}/.well-known/oauth-authorization-server${pathname.replace(/\/$/, '')}`;
  // a library that is told no by the browser tries once more without its header
  const there = await (await fetch(known, { headers: asked }).catch(() => fetch(known))).json();
  const registration = await fetch(there.registration_endpoint, {
    method: 'POST', headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ client_name: 'A page', redirect_uris: [redirect], token_endpoint_auth_method: 'none', grant_types: ['authorization_code'] }),
  });
  const { client_id } = await registration.json();
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier)));
  const code_challenge = btoa(String.fromCharCode(...hash)).replace(/\+/g, '-').replace(/\//g, '_').replace(/=/g, '');
  const question = new URLSearchParams({
    response_type: 'code', client_id, redirect_uri: redirect, scope: 'mcp:read mcp:tools', state: 'of the page', resource: metadata.resource,
    code_challenge, code_challenge_method: 'S256',
  });
  return { link: `${there.authorization_endpoint}?${question}`, token: there.token_endpoint, client_id, audience: metadata.resource };
}, { resource, redirect, verifier });

// In the page that the login came back to: from the code to what the tool says. Sends what a page of a browser sends.
export const finish = ({ page }, resource, redirect, verifier, begun) => page.evaluate(async ({ resource, redirect, verifier, begun }) => {
  const code = new URL(location.href).searchParams.get('code');
  const body = new URLSearchParams({ grant_type: 'authorization_code', code, client_id: begun.client_id, redirect_uri: redirect, code_verifier: verifier, resource: begun.audience });
  const { access_token } = await (await fetch(begun.token, { method: 'POST', body })).json();
  const called = await fetch(resource, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${access_token}`, 'content-type': 'application/json', accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'whoami',
    },
    body: JSON.stringify({
      jsonrpc: '2.0', id: 1, method: 'tools/call',
      params: {
        name: 'whoami', arguments: {},
        _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {}, 'io.modelcontextprotocol/clientInfo': { name: 'page', version: '1' } },
      },
    }),
  });
  return called.text();
}, { resource, redirect, verifier, begun });
