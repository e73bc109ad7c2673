// What does our command say while a browser does its part?
import { spawn } from 'node:child_process';

export class Command {
  #said = { out: '', err: '' };
  #child;

  // `folder`: where the logins of this person are.
  constructor(program, folder, ...words) {
    this.#child = spawn(program, words, { env: { ...process.env, MCP_LOGIN_DIR: folder, NO_COLOR: '1' }, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child.stdout.on('data', (data) => { this.#said.out += data; });
    this.#child.stderr.on('data', (data) => { this.#said.err += data; });
    this.ended = new Promise((resolve, reject) => {
      this.#child.on('error', reject);
      this.#child.on('close', (status) => resolve({ status, ...this.#said }));
    });
  }

  // The link that it prints for whoever has to open a browser himself.
  async link() {
    const printed = new Promise((resolve) => {
      const read = () => {
        const [, link] = this.#said.err.match(/^log in here:\n +(http\S+)\n/m) ?? [];
        if (link) resolve(link);
      };
      this.#child.stderr.on('data', read);
      read();
    });
    const ended = this.ended.then(({ status, out, err }) => { throw new Error(`it ended with ${status} before it printed a link: ${out}${err}`); });
    return Promise.race([printed, ended]);
  }

  // For a visit that fails half-way.
  stop() { this.#child.kill(); }
}
