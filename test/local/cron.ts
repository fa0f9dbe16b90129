// `wrangler dev` fires no cron triggers. This does it for local work: once when the worker is ready, then every
// fifteen minutes, as wrangler.toml has it.

const EVERY_MS = 15 * 60_000;
const SCHEDULED = "/cdn-cgi/handler/scheduled?cron=*/15+*+*+*+*";

/** Quiet: what goes wrong shows in the worker's own log. @param origin e.g. `http://127.0.0.1:8787` */
export function fireCron(origin: string): void {
  const fire = () => {
    // The answer waits for the whole sweep, which may take as long as it needs.
    fetch(origin + SCHEDULED).then(
      (answer) => answer.body?.cancel(),
      () => {},
    );
  };
  fire();
  setInterval(fire, EVERY_MS).unref();
}
