// oidc-provider, set up as its documentation says, for what bench/authorization.sh asks: provider.mjs ALG. The first line that it
// prints is its URL. It keeps everything in memory, and nothing of what it does is written down.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { once } from 'node:events';
import { generateKeyPairSync } from 'node:crypto';

// the packages lie in a folder of their own, and this file does not
const { Provider } = await import(createRequire(`${process.env.PROVIDER}/`).resolve('oidc-provider'));

const alg = process.argv[2];
const { privateKey } = alg === 'RS256' ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : generateKeyPairSync('ec', { namedCurve: 'P-256' });
const key = { ...privateKey.export({ format: 'jwk' }), alg, use: 'sig', kid: 'bench' };

const { RESOURCE, OPAQUE, SCOPE, SECRET, REDIRECT } = process.env;
const alone = { client_secret: SECRET, token_endpoint_auth_method: 'client_secret_basic', redirect_uris: [], response_types: [] };
const clients = [
  { client_id: 'program', grant_types: ['client_credentials'], scope: SCOPE, ...alone },
  { client_id: RESOURCE, grant_types: [], ...alone },
  {
    client_id: 'app', application_type: 'native', token_endpoint_auth_method: 'none', redirect_uris: [REDIRECT],
    grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'], scope: SCOPE, id_token_signed_response_alg: alg,
  },
];

const server = createServer().listen(0, '127.0.0.1');
await once(server, 'listening');
const url = `http://localhost:${server.address().port}`;
const provider = new Provider(url, {
  clients: clients.map((client) => ({ id_token_signed_response_alg: alg, ...client })),
  jwks: { keys: [key] },
  scopes: SCOPE.split(' '),
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  issueRefreshToken: (_, client) => client.grantTypeAllowed('refresh_token'), // as ours does
  ttl: { AccessToken: 3600, ClientCredentials: 3600, Grant: 86400, Interaction: 3600, RefreshToken: 86400, Session: 3600 },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: true },
    introspection: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => RESOURCE,
      useGrantedResource: () => true,
      getResourceServerInfo: (_, resource) => ({
        scope: SCOPE,
        audience: resource,
        accessTokenTTL: 3600,
        accessTokenFormat: resource === OPAQUE ? 'opaque' : 'jwt',
        jwt: { sign: { alg } },
      }),
    },
  },
});
server.on('request', provider.callback());
process.stdout.write(`${url}\n`);
