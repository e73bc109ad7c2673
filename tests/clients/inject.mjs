// How does a client without a header of its own call a server that demands a token? Through this proxy on loopback,
// which adds the header and changes nothing else: Host and Origin stay as sent, and a stream flows as it comes.
//
//   MCP_TOKEN=… node inject.mjs URL        prints its own URL; a token in an argument would be seen by every user
import http from 'node:http';

const upstream = new URL(process.argv[2]);
const token = process.env.MCP_TOKEN;
if (!token) throw new Error('MCP_TOKEN is missing');

const proxy = http.createServer((request, response) => {
  const headers = [...request.rawHeaders, 'Authorization', `Bearer ${token}`];
  const asked = http.request(
    { host: upstream.hostname, port: upstream.port, method: request.method, path: request.url, headers, setHost: false },
    (answer) => {
      response.writeHead(answer.statusCode, answer.rawHeaders);
      response.flushHeaders();
      answer.pipe(response);
      answer.on('error', () => response.destroy());
    },
  );
  asked.on('error', () => (response.headersSent ? response.destroy() : response.writeHead(502).end()));
  response.on('close', () => asked.destroy()); // whoever hangs up here hangs up there
  request.pipe(asked);
});
proxy.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${proxy.address().port}${upstream.pathname}`));
