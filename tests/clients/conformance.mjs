// Does a server pass what it does not leave out? Runs the official conformance suite and holds its results against
// the tables of one section of conformance.md: how many of the required scenarios pass, and what is left out.
//
//   node conformance.mjs URL TABLES SECTION SUITE
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const [url, tables, section, suite] = process.argv.slice(2);
const text = readFileSync(tables, 'utf8').split(/^## /m).find((part) => part.startsWith(`${section}\n`)) ?? '';
const matches = (pattern) => text.split('\n').map((line) => line.match(pattern)).filter(Boolean);
const rows = matches(/^\| (\d{4}-\d\d-\d\d) \| (\S+) \| (\S.*) \|$/).map(([, revision, what]) => ({ revision, what }));
const scores = new Map(matches(/^\| (\d{4}-\d\d-\d\d) \| (\d+ of \d+) \|$/).map(([, revision, score]) => [revision, score]));

let wrong = 0;
const complain = (sentence) => { wrong += 1; console.log(`FAILED  ${sentence}`); };

for (const revision of ['2026-07-28', '2025-11-25']) {
  const output = mkdtempSync(join(tmpdir(), 'mcp-auth-conformance-'));
  const ran = spawnSync(process.execPath, [suite, 'server', '--url', url, '--requirements', revision, '-o', output],
    { encoding: 'utf8', timeout: 300_000 });
  const scenarios = readdirSync(output).map((folder) => ({
    name: folder.replace(/^server-/, '').replace(/-\d{4}-\d\d-\d\dT.*$/, ''),
    checks: JSON.parse(readFileSync(join(output, folder, 'checks.json'), 'utf8')),
  }));
  rmSync(output, { recursive: true });
  const asked = required(revision);
  const missing = asked.filter((name) => !scenarios.some((scenario) => scenario.name === name));
  if (asked.length === 0 || missing.length > 0) {
    complain(`${revision}: these scenarios did not run: ${missing.join(', ') || 'all'}\n${ran.stdout}${ran.stderr}`);
    continue;
  }

  const left = new Set(rows.filter((row) => row.revision === revision).map(({ what }) => what));
  const used = new Set();
  let passed = 0;
  for (const { name, checks } of scenarios) {
    for (const { id, status, errorMessage, description } of checks) {
      if (status === 'SUCCESS') passed += 1;
      if (status !== 'FAILURE' && status !== 'WARNING') continue;
      const row = [`${name}:${id}`, name].find((what) => left.has(what));
      if (row) used.add(row);
      else complain(`${revision} ${name}:${id} ${status}: ${errorMessage ?? description}`);
    }
  }
  for (const what of left) {
    if (!used.has(what)) complain(`${revision} ${what} is in the table of what is left out, and passes: remove its row`);
  }
  const fails = (name) => scenarios.some((scenario) => scenario.name === name && scenario.checks.some(({ status }) => status === 'FAILURE'));
  const score = `${asked.filter((name) => !fails(name)).length} of ${asked.length}`;
  if (score !== scores.get(revision)) complain(`${revision}: ${score} required scenarios pass; the table says ${scores.get(revision) ?? 'nothing'}`);
  console.log(`${revision}: ${score} required scenarios; all ${scenarios.length}: ${passed} checks passed, ${left.size} rows left out`);
}
process.exit(wrong === 0 ? 0 : 1);

// The server scenarios that the suite requires of a revision.
function required(revision) {
  const { stdout } = spawnSync(process.execPath, [suite, 'list', '--server', '--requirements', revision], { encoding: 'utf8' });
  const part = stdout.split('Server scenarios')[1]?.split('Client scenarios')[0] ?? '';
  return [...part.matchAll(/^ {2}- (\S+)$/gm)].map(([, name]) => name);
}
