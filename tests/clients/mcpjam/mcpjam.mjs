// Does a server, and the authorization server that it trusts, pass the tests of authorization of MCPJam's SDK?
//
//   node mcpjam.mjs STRATEGY URL     STRATEGY dcr, cimd or preregistered
//   MCP_CLIENT_METADATA_URL=… MCP_CLIENT_ID=…     for the second and the third
//   BROWSER                          browser.py
import { execFile } from 'node:child_process';
import { OAuthConformanceTest } from '@mcpjam/sdk';

// What it cannot tell of our server. It sends the code that it has used with another redirect_uri, and looks for a word about
// redirect_uri in the refusal; a code that was used is refused for that, before anything else is looked at.
const SKIPPED = ['oauth_invalid_redirect'];

const [strategy, serverUrl] = process.argv.slice(2);
const client = {
  dcr: {},
  cimd: { clientIdMetadataUrl: process.env.MCP_CLIENT_METADATA_URL },
  preregistered: { preregistered: { clientId: process.env.MCP_CLIENT_ID } },
}[strategy];
const openUrl = async (url) => {
  execFile(process.env.BROWSER, [url], (error, _, said) => { if (error) console.log(said); });
};
const { passed, steps, verification } = await new OAuthConformanceTest({
  serverUrl, client, protocolVersion: '2025-11-25', registrationStrategy: strategy, auth: { mode: 'interactive', openUrl },
  verification: { listTools: true }, oauthConformanceChecks: true,
}).run();

const wrong = steps.filter(({ step, status }) => status !== (SKIPPED.includes(step) ? 'skipped' : 'passed'));
for (const { step, status, error } of wrong) console.log(`${status} ${step}: ${(error?.message ?? 'it is in the list of what is skipped').slice(0, 300)}`);
const missing = ['complete', 'oauth_dcr_http_redirect_uri', 'oauth_invalid_client', 'oauth_invalid_authorize_redirect', 'oauth_invalid_token',
  'oauth_invalid_redirect', 'oauth_token_format'].filter((name) => !steps.some(({ step }) => step === name));
if (missing.length > 0) console.log(`did not run: ${missing}`);
const isGood = passed && wrong.length === 0 && missing.length === 0 && verification?.listTools?.passed === true;
console.log(`${isGood ? 'ok' : 'FAILED'}: MCPJam, ${strategy}: ${steps.length - SKIPPED.length} checks, ${SKIPPED.length} skipped`);
process.exit(isGood ? 0 : 1);
