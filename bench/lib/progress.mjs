// One line that says how far the run is; on a terminal only.

export class Progress {
  #done = 0;
  #started = performance.now();

  /** @param {number} total */
  constructor(total) {
    this.total = total;
  }

  /** @param {string} what is run now */
  step(what) {
    const { stderr } = process;
    if (stderr.isTTY) {
      const passed = (performance.now() - this.#started) / 1000;
      const left =
        this.#done === 0
          ? ""
          : `, ${minutes((passed / this.#done) * (this.total - this.#done))} left`;
      const text = `${this.#done + 1} of ${this.total}${left}: ${what}`;
      stderr.write(`\r\x1b[K${text.slice(0, (stderr.columns ?? 80) - 1)}`);
    }
    this.#done++;
  }

  end() {
    if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
  }
}

function minutes(seconds) {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.ceil(seconds % 60)} s`;
}
